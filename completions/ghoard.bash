# bash completion for ghoard
_ghoard() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "api agent cache stats rate doctor gh config completion version help" -- "$cur")
  fi
}
complete -F _ghoard ghoard
