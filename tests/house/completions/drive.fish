# Usage: fish --no-config drive.fish COMPLETIONS_DIR LINE
# Prints what fish offers at the end of LINE, one candidate per line, without the descriptions.
source $argv[1]/ghoard.fish; or exit 1
complete -C $argv[2] | string replace -r '\t.*' ''
exit 0
