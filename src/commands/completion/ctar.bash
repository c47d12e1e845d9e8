# bash completion for ctar
#
# Bash takes what follows "=" and ":" for a word of its own ($2); so candidates come without what stands before. Paths are left to readline.

_ctar() {
  local lines line
  COMPREPLY=()
  mapfile -t lines < <("${1/#\~\//$HOME/}" __complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
  case "${lines[0]-}" in
    files*) compopt -o default ;;
    directories*) compopt -o dirnames ;;
  esac
  for line in "${lines[@]:1}"; do
    printf -v line %q "${line%%$'\t'*}"
    COMPREPLY+=("$line")
  done
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]]; then compopt -o nospace; fi
}

complete -F _ctar ctar
