#compdef ctar
# zsh completion for ctar: the file _ctar in a directory of $fpath, or sourced

_ctar() {
  local line word paths before
  local -a lines whole begun
  lines=("${(@f)$(_call_program candidates $words[1] __complete zsh -- ${(q)${(Q)words[2,CURRENT-1]}} ${(q)${(Q)PREFIX}} 2>/dev/null)}")
  for line in "${(@)lines[2,-1]}"; do
    word=${line%%$'\t'*}
    # what ends in a colon goes on, so no blank follows it
    case $word in
      *:) begun+=("${word//:/\\:}:${line#*$'\t'}") ;;
      *) whole+=("${word//:/\\:}:${line#*$'\t'}") ;;
    esac
  done
  (( $#whole )) && _describe candidates whole
  (( $#begun )) && _describe candidates begun -S ''
  paths=${lines[1]%%$'\t'*} before=${lines[1]#*$'\t'}
  compset -P "${(b)before}"
  case $paths in
    files) _files ;;
    directories) _files -/ ;;
  esac
}

if [[ $funcstack[1] == _ctar ]]; then
  _ctar "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _ctar ctar
fi
