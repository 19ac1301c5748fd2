# Usage: zsh -f drive.zsh COMPLETIONS_DIR SCRATCH_DIR LINE
# Prints what zsh offers at the end of LINE, one candidate per line. An interactive zsh runs on a pseudo terminal, with a
# completion widget in which compadd also writes its matches to a file.
emulate -R zsh
zmodload zsh/zpty
export completions=$1 scratch=$2
line=$3
rm -f -- $scratch/ready $scratch/done $scratch/offered
cat >$scratch/setup.zsh <<'SETUP'
PS1= RPS1=
unsetopt zle_bracketed_paste 2>/dev/null
fpath=($completions $fpath)
autoload -Uz compinit
compinit -u -d $scratch/zcompdump
compadd() {
  # -O, -A and -D only ask which candidates match; they add nothing.
  if [[ ${@[(I)-[OAD]*]} -eq 0 ]]; then
    local -a offered
    builtin compadd -O offered "$@"
    print -rl -- $offered >>$scratch/offered
  fi
  builtin compadd "$@"
}
report() {
  _main_complete
  : >$scratch/done
  compstate[insert]= compstate[list]=
}
zle -C report complete-word report
bindkey '^T' report
: >$scratch/ready
SETUP

await() { # file: bounded, as zsh has no notion of waiting for a file
  repeat 600; do
    [[ -e $1 ]] && return 0
    zselect -t 5
  done
  print -u2 "drive.zsh: $1 did not come"
  exit 1
}
zmodload zsh/zselect

zpty -b shell zsh -f -i
zpty -w shell "source \$scratch/setup.zsh"
await $scratch/ready
zpty -n -w shell "$line"$'\x14'
await $scratch/done
zpty -d shell
[[ -e $scratch/offered ]] && sort -u $scratch/offered | grep -v '^$'
exit 0
