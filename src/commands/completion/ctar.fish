# fish completion for ctar

function __ctar_complete
    set -l typed (commandline -opc)
    set -l word (commandline -ct)
    set -l plain (string unescape -- $word); or set plain $word
    set -l program (string replace -r '^~(?=/)' ~ -- $typed[1])
    set -l lines ($program __complete fish -- $typed[2..] "$plain" 2>/dev/null)
    string join \n -- $lines[2..]
    set -l paths (string split \t -- "$lines[1]")
    if contains -- "$paths[1]" files directories
        # what fish finds for a command that it knows nothing of
        set -l found (complete -C "__ctar_paths "(string replace -- $paths[2] '' $word))
        test $paths[1] = directories; and set found (string match -r '.*/$' -- $found)
        string join \n -- $paths[2]$found
    end
end

complete -c ctar -f -a '(__ctar_complete)'
