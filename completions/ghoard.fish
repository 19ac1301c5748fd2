complete -c ghoard -f -n __fish_use_subcommand -a "api agent cache stats rate doctor gh config completion version help"
