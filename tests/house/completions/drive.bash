# Usage: bash drive.bash COMPLETIONS_DIR LINE
# Prints what bash offers at the end of LINE, one candidate per line. Splits LINE as readline does with its default
# COMP_WORDBREAKS: '=' and ':' are words of their own.
source "$1/ghoard.bash" || exit 1
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
spaced=${COMP_LINE//=/ = }
spaced=${spaced//:/ : }
read -r -a COMP_WORDS <<<"$spaced"
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
registered=$(complete -p ghoard) || exit 1
[[ $registered =~ -F\ ([^ ]+) ]] || exit 1
"${BASH_REMATCH[1]}" ghoard "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
