# bash completion for ghoard(1).
#
# Nothing here waits: no agent is started, GitHub is not asked, and the cache gets a tenth of a second to tell which
# endpoints it remembers. Works without the bash-completion package.

_ghoard_commands='agent api cache completion config doctor gh help network peers rate stats version'
_ghoard_keys='allowed_hosts announce_addr api_url bootstrap_peers default_ttl denied_peers enable_p2p github_repo identity_file
  idle_timeout listen_addr listen_port max_cache_size network_key network_name no_spawn'
_ghoard_gh_commands='alias api auth browse cache codespace completion config extension gist gpg-key issue label org pr
  project release repo ruleset run search secret ssh-key status variable workflow'

# Settings that an agent can be started with, as flags.
_ghoard_agent_settings='--allowed-hosts --announce-addr --api-url --bootstrap-peers --default-ttl --denied-peers --enable-p2p
  --github-repo --identity-file --idle-timeout --listen-addr --listen-port --max-cache-size --network-name'

# Flags of `ghoard api`: those that take a value, those that take two, and switches.
_ghoard_api_valued='--method --raw-field --field --header --preview --input --hostname --jq --template --error-body
  --cache --max-age -X -f -F -H -p -q -t'
_ghoard_api_double='--arg --argjson'
_ghoard_api_switches='--paginate --slurp --include --silent --verbose --refresh --no-cache --offline --no-spawn --help
  -i -h'

# Routes of GitHub's API. `ghoard api` fills in {owner}, {repo} and {branch}; a completion ends before a :part.
_ghoard_routes=(
  "app"
  "emojis"
  "events"
  "gists"
  "gists/public"
  "gists/starred"
  "gists/:id"
  "gists/:id/comments"
  "gists/:id/commits"
  "gists/:id/forks"
  "gitignore/templates"
  "gitignore/templates/:name"
  "graphql"
  "installation/repositories"
  "issues"
  "licenses"
  "licenses/:license"
  "meta"
  "notifications"
  "notifications/threads/:id"
  "octocat"
  "orgs/{owner}"
  "orgs/{owner}/actions/permissions"
  "orgs/{owner}/actions/runners"
  "orgs/{owner}/actions/secrets"
  "orgs/{owner}/actions/variables"
  "orgs/{owner}/dependabot/alerts"
  "orgs/{owner}/events"
  "orgs/{owner}/hooks"
  "orgs/{owner}/installations"
  "orgs/{owner}/issues"
  "orgs/{owner}/members"
  "orgs/{owner}/outside_collaborators"
  "orgs/{owner}/packages"
  "orgs/{owner}/repos"
  "orgs/{owner}/rulesets"
  "orgs/{owner}/teams"
  "orgs/{owner}/teams/:slug"
  "orgs/{owner}/teams/:slug/members"
  "orgs/{owner}/teams/:slug/repos"
  "rate_limit"
  "repos/{owner}/{repo}"
  "repos/{owner}/{repo}/actions/artifacts"
  "repos/{owner}/{repo}/actions/artifacts/:id"
  "repos/{owner}/{repo}/actions/artifacts/:id/zip"
  "repos/{owner}/{repo}/actions/cache/usage"
  "repos/{owner}/{repo}/actions/caches"
  "repos/{owner}/{repo}/actions/jobs/:id"
  "repos/{owner}/{repo}/actions/jobs/:id/logs"
  "repos/{owner}/{repo}/actions/permissions"
  "repos/{owner}/{repo}/actions/runners"
  "repos/{owner}/{repo}/actions/runs"
  "repos/{owner}/{repo}/actions/runs/:id"
  "repos/{owner}/{repo}/actions/runs/:id/artifacts"
  "repos/{owner}/{repo}/actions/runs/:id/attempts/:number"
  "repos/{owner}/{repo}/actions/runs/:id/attempts/:number/jobs"
  "repos/{owner}/{repo}/actions/runs/:id/cancel"
  "repos/{owner}/{repo}/actions/runs/:id/jobs"
  "repos/{owner}/{repo}/actions/runs/:id/logs"
  "repos/{owner}/{repo}/actions/runs/:id/rerun"
  "repos/{owner}/{repo}/actions/runs/:id/rerun-failed-jobs"
  "repos/{owner}/{repo}/actions/runs/:id/timing"
  "repos/{owner}/{repo}/actions/secrets"
  "repos/{owner}/{repo}/actions/variables"
  "repos/{owner}/{repo}/actions/workflows"
  "repos/{owner}/{repo}/actions/workflows/:id"
  "repos/{owner}/{repo}/actions/workflows/:id/dispatches"
  "repos/{owner}/{repo}/actions/workflows/:id/runs"
  "repos/{owner}/{repo}/activity"
  "repos/{owner}/{repo}/assignees"
  "repos/{owner}/{repo}/branches"
  "repos/{owner}/{repo}/branches/{branch}"
  "repos/{owner}/{repo}/branches/{branch}/protection"
  "repos/{owner}/{repo}/check-runs/:id"
  "repos/{owner}/{repo}/check-runs/:id/annotations"
  "repos/{owner}/{repo}/code-scanning/alerts"
  "repos/{owner}/{repo}/collaborators"
  "repos/{owner}/{repo}/comments"
  "repos/{owner}/{repo}/commits"
  "repos/{owner}/{repo}/commits/{branch}"
  "repos/{owner}/{repo}/commits/{branch}/check-runs"
  "repos/{owner}/{repo}/commits/{branch}/check-suites"
  "repos/{owner}/{repo}/commits/{branch}/comments"
  "repos/{owner}/{repo}/commits/{branch}/pulls"
  "repos/{owner}/{repo}/commits/{branch}/status"
  "repos/{owner}/{repo}/commits/{branch}/statuses"
  "repos/{owner}/{repo}/community/profile"
  "repos/{owner}/{repo}/compare/:basehead"
  "repos/{owner}/{repo}/contents"
  "repos/{owner}/{repo}/contents/:path"
  "repos/{owner}/{repo}/contributors"
  "repos/{owner}/{repo}/dependabot/alerts"
  "repos/{owner}/{repo}/deployments"
  "repos/{owner}/{repo}/deployments/:id"
  "repos/{owner}/{repo}/deployments/:id/statuses"
  "repos/{owner}/{repo}/environments"
  "repos/{owner}/{repo}/environments/:name"
  "repos/{owner}/{repo}/events"
  "repos/{owner}/{repo}/forks"
  "repos/{owner}/{repo}/git/blobs/:sha"
  "repos/{owner}/{repo}/git/commits/:sha"
  "repos/{owner}/{repo}/git/matching-refs/heads"
  "repos/{owner}/{repo}/git/matching-refs/tags"
  "repos/{owner}/{repo}/git/ref/heads/{branch}"
  "repos/{owner}/{repo}/git/ref/tags/:tag"
  "repos/{owner}/{repo}/git/tags/:sha"
  "repos/{owner}/{repo}/git/trees/{branch}"
  "repos/{owner}/{repo}/hooks"
  "repos/{owner}/{repo}/invitations"
  "repos/{owner}/{repo}/issues"
  "repos/{owner}/{repo}/issues/comments"
  "repos/{owner}/{repo}/issues/events"
  "repos/{owner}/{repo}/issues/:number"
  "repos/{owner}/{repo}/issues/:number/assignees"
  "repos/{owner}/{repo}/issues/:number/comments"
  "repos/{owner}/{repo}/issues/:number/events"
  "repos/{owner}/{repo}/issues/:number/labels"
  "repos/{owner}/{repo}/issues/:number/lock"
  "repos/{owner}/{repo}/issues/:number/reactions"
  "repos/{owner}/{repo}/issues/:number/timeline"
  "repos/{owner}/{repo}/keys"
  "repos/{owner}/{repo}/labels"
  "repos/{owner}/{repo}/languages"
  "repos/{owner}/{repo}/license"
  "repos/{owner}/{repo}/milestones"
  "repos/{owner}/{repo}/notifications"
  "repos/{owner}/{repo}/pages"
  "repos/{owner}/{repo}/pages/builds"
  "repos/{owner}/{repo}/pulls"
  "repos/{owner}/{repo}/pulls/comments"
  "repos/{owner}/{repo}/pulls/:number"
  "repos/{owner}/{repo}/pulls/:number/comments"
  "repos/{owner}/{repo}/pulls/:number/commits"
  "repos/{owner}/{repo}/pulls/:number/files"
  "repos/{owner}/{repo}/pulls/:number/merge"
  "repos/{owner}/{repo}/pulls/:number/requested_reviewers"
  "repos/{owner}/{repo}/pulls/:number/reviews"
  "repos/{owner}/{repo}/readme"
  "repos/{owner}/{repo}/releases"
  "repos/{owner}/{repo}/releases/latest"
  "repos/{owner}/{repo}/releases/tags/:tag"
  "repos/{owner}/{repo}/releases/:id"
  "repos/{owner}/{repo}/releases/:id/assets"
  "repos/{owner}/{repo}/rules/branches/{branch}"
  "repos/{owner}/{repo}/rulesets"
  "repos/{owner}/{repo}/secret-scanning/alerts"
  "repos/{owner}/{repo}/security-advisories"
  "repos/{owner}/{repo}/stargazers"
  "repos/{owner}/{repo}/stats/commit_activity"
  "repos/{owner}/{repo}/stats/contributors"
  "repos/{owner}/{repo}/stats/participation"
  "repos/{owner}/{repo}/subscribers"
  "repos/{owner}/{repo}/subscription"
  "repos/{owner}/{repo}/tags"
  "repos/{owner}/{repo}/tarball/{branch}"
  "repos/{owner}/{repo}/teams"
  "repos/{owner}/{repo}/topics"
  "repos/{owner}/{repo}/traffic/clones"
  "repos/{owner}/{repo}/traffic/views"
  "repos/{owner}/{repo}/zipball/{branch}"
  "search/code"
  "search/commits"
  "search/issues"
  "search/labels"
  "search/repositories"
  "search/topics"
  "search/users"
  "user"
  "user/emails"
  "user/followers"
  "user/following"
  "user/gpg_keys"
  "user/installations"
  "user/issues"
  "user/keys"
  "user/memberships/orgs"
  "user/orgs"
  "user/repos"
  "user/repository_invitations"
  "user/starred"
  "user/subscriptions"
  "user/teams"
  "users/{owner}"
  "users/{owner}/events"
  "users/{owner}/followers"
  "users/{owner}/following"
  "users/{owner}/gists"
  "users/{owner}/keys"
  "users/{owner}/orgs"
  "users/{owner}/received_events"
  "users/{owner}/repos"
  "users/{owner}/starred"
  "zen"
)

# Adds those of its arguments that begin with the word under the cursor. Not `compgen -W`, which would expand them: some
# come from the cache and so from outside. $breaks is what readline regards as done already.
_ghoard_offer() {
  local candidate
  for candidate; do
    [[ $candidate == "$cur"* ]] || continue
    candidate=${candidate#"$breaks"}
    [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[-1]} == "$candidate" ]] || COMPREPLY+=("$candidate")
  done
}

_ghoard_files() {
  compopt -o default 2>/dev/null
  COMPREPLY=()
}

_ghoard_hosts() {
  local line file=${GH_CONFIG_DIR:-${XDG_CONFIG_HOME:-$HOME/.config}/gh}/hosts.yml
  local -a hosts=(github.com)
  if [[ -r $file ]]; then
    while IFS= read -r line; do
      [[ $line =~ ^([A-Za-z0-9.-]+): ]] && hosts+=("${BASH_REMATCH[1]}")
    done <"$file"
  fi
  _ghoard_offer "${hosts[@]}"
}

# Endpoints in the cache, read without an agent being started. Only plain characters pass.
_ghoard_remembered() {
  command -v timeout >/dev/null || return
  local path
  while IFS= read -r path; do
    path=${path##*\"/}
    path=${path%\"}
    path=${path#api/v3/}
    [[ $path =~ ^[A-Za-z0-9._~/%@+-]+$ ]] && _ghoard_offer "$slash$path"
  done < <(GHOARD_NO_SPAWN=1 timeout -s KILL 0.1 "${words[0]}" cache ls --json </dev/null 2>/dev/null |
    grep -o '"path" *: *"/[^"]*"')
}

# The typed segments pick the routes and take the place of their variable parts.
_ghoard_endpoints() {
  local slash='' typed=$cur done_part='' route rest segment part result
  [[ $typed == *://* ]] && return
  [[ $typed == /* ]] && slash=/ typed=${typed#/}
  [[ $typed == */* ]] && done_part=${typed%/*}/
  for route in "${_ghoard_routes[@]}"; do
    rest=$route result=$slash typed=$done_part
    while [[ -n $typed ]]; do
      segment=${typed%%/*}
      part=${rest%%/*}
      [[ $part == "$segment" || ( -n $segment && ( $part == :* || $part == '{'*'}' ) ) ]] || continue 2
      [[ $rest == */* ]] || continue 2
      result+=$segment/
      typed=${typed#*/}
      rest=${rest#*/}
    done
    rest=${rest%%:*}
    [[ -n $rest ]] && _ghoard_offer "$result$rest"
  done
  _ghoard_remembered
  [[ " ${COMPREPLY[*]} " == *"/ "* ]] && compopt -o nospace 2>/dev/null
}

# The value of a flag of `ghoard api`.
_ghoard_api_value() { # flag, prefix of the word ("--flag=" or nothing)
  local -a values=()
  case $1 in
    --method|-X) values=(GET HEAD POST PUT PATCH DELETE) ;;
    --cache|--max-age) values=(30s 1m 5m 15m 1h 1d) ;;
    --error-body) values=(stdout stderr) ;;
    --hostname) cur=${cur#"$2"} breaks=${breaks#"$2"}; _ghoard_hosts; return ;;
    --input) _ghoard_files; return ;;
    *) return ;;
  esac
  _ghoard_offer "${values[@]/#/$2}"
}

_ghoard_has() { # word, list
  [[ " ${2//$'\n'/ } " == *" $1 "* ]]
}

# How many of the next words belong to this flag of `ghoard api`; sets `flag` and `pending`.
_ghoard_api_flag() {
  local letters
  flag=$1 pending=0
  if _ghoard_has "$1" "$_ghoard_api_double"; then
    pending=2
  elif _ghoard_has "$1" "$_ghoard_api_valued"; then
    pending=1
  elif [[ $1 == -[!-]?* ]]; then
    # A cluster such as -iq: the first letter that takes a value takes the rest, or the next word.
    letters=${1#-}
    while [[ -n $letters ]]; do
      flag=-${letters:0:1} letters=${letters:1}
      if _ghoard_has "$flag" "$_ghoard_api_valued"; then
        [[ -z $letters ]] && pending=1
        return
      fi
    done
  fi
}

_ghoard_api() {
  local index flag='' pending=0 endpoints=0 only_words=0
  for ((index = 2; index < at; ++index)); do
    if ((pending > 0)); then
      ((--pending))
    elif ((only_words)); then
      ((++endpoints))
    elif [[ ${words[index]} == -- ]]; then
      only_words=1
    elif [[ ${words[index]} == -?* ]]; then
      _ghoard_api_flag "${words[index]}"
    else
      ((++endpoints))
    fi
  done
  if ((pending > 0)); then
    _ghoard_api_value "$flag" ''
  elif ((only_words == 0)) && [[ $cur == --*=* ]]; then
    _ghoard_api_value "${cur%%=*}" "${cur%%=*}="
  elif ((only_words == 0)) && [[ $cur == -* ]]; then
    _ghoard_offer $_ghoard_api_valued $_ghoard_api_double $_ghoard_api_switches
  elif ((endpoints == 0)); then
    _ghoard_endpoints
  fi
}

# The words that a command has at `at`, flags aside; nothing where it has none.
_ghoard_words() { # command, subcommand
  case "$1 $2" in
    'agent ') echo 'logs restart run start status stop' ;;
    'cache ') echo 'clear ls rm stats' ;;
    'config ') echo 'get list path set' ;;
    'completion ') echo 'bash fish zsh' ;;
    'network ') echo 'new-key status' ;;
    'peers ') echo 'add check list remove' ;;
    'help ') echo "${_ghoard_commands/help /}" ;;
    'help agent' | 'help cache' | 'help config' | 'help network' | 'help peers') _ghoard_words "$2" '' ;;
    'config get' | 'config set') ((at == 3)) && echo "$_ghoard_keys" ;;
  esac
}

_ghoard_flags() { # command, subcommand
  case "$1 $2" in
    'agent start' | 'agent restart') echo "$_ghoard_agent_settings --json --help" ;;
    'agent run') echo "$_ghoard_agent_settings --help" ;;
    'agent logs') echo '--follow --help' ;;
    'cache ls') echo '--hostname --limit --json --help' ;;
    'cache rm') echo '--hostname --json --help' ;;
    'agent status' | 'agent stop' | 'cache '?* | 'config get' | 'config list' | 'config path') echo '--json --help' ;;
    'network '?* | 'peers '*) echo '--json --help' ;;
    'doctor '* | 'rate '* | 'stats '* | 'version '*) echo '--json --help' ;;
    *) echo '--help' ;;
  esac
}

# Every command but api and gh.
_ghoard_command() {
  local command=${words[1]} sub='' flag=''
  ((at > 2)) && [[ ${words[2]} != -* ]] && sub=${words[2]}
  flag=${words[at - 1]}
  if [[ $cur == --*=* ]]; then
    flag=${cur%%=*} cur=${cur#*=} breaks=${breaks#*=}
  fi
  case $flag in
    --hostname) _ghoard_hosts; return ;;
    --enable-p2p) _ghoard_offer true false; return ;;
    --identity-file) _ghoard_files; return ;;
    --limit | -L) return ;;
  esac
  _ghoard_has "$flag" "$_ghoard_agent_settings" && return
  if [[ $cur == -* ]]; then
    _ghoard_offer $(_ghoard_flags "$command" "$sub")
  elif [[ $command == cache && ($sub == rm || $sub == ls) ]]; then
    local slash=''
    [[ $cur == /* ]] && slash=/
    _ghoard_remembered
  elif [[ $command == config && $sub == set && $at -eq 4 && (${words[3]} == enable_p2p || ${words[3]} == no_spawn) ]]; then
    _ghoard_offer true false
  else
    _ghoard_offer $(_ghoard_words "$command" "$sub")
  fi
}

# Puts together again what readline broke at '=' and ':', into `words`, `at` (the index under the cursor), `cur` and
# `breaks` (the part of it before the last break).
_ghoard_split() {
  local index word glue=0
  words=() at=0
  for ((index = 0; index < ${#COMP_WORDS[@]}; ++index)); do
    word=${COMP_WORDS[index]}
    if ((${#words[@]} > 1)) && { ((glue)) || [[ $word == [=:]* ]]; }; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    glue=0
    [[ $word == *[=:] && $COMP_WORDBREAKS == *"${word: -1}"* && $index -lt $COMP_CWORD ]] && glue=1
    ((index == COMP_CWORD)) && { at=$((${#words[@]} - 1)); break; }
  done
  cur=${words[at]} breaks=''
  case $cur in
    [\"\']*) cur=${cur:1} ;;
  esac
  if [[ $cur == *=* && $COMP_WORDBREAKS == *=* ]]; then
    breaks=${cur%=*}=
  fi
  if [[ ${cur#"$breaks"} == *:* && $COMP_WORDBREAKS == *:* ]]; then
    breaks=${cur%:*}:
  fi
}

_ghoard() {
  local -a words
  local at cur breaks
  COMPREPLY=()
  _ghoard_split
  # `ghoard --no-spawn COMMAND` is completed as `ghoard COMMAND` is.
  if ((at > 1)) && [[ ${words[1]} == --no-spawn ]]; then
    words=("${words[0]}" "${words[@]:2}")
    ((--at))
  fi
  if ((at == 1)); then
    if [[ $cur == -* ]]; then
      _ghoard_offer --help --no-spawn --version
    else
      _ghoard_offer $_ghoard_commands
    fi
    return
  fi
  case ${words[1]} in
    api) _ghoard_api ;;
    gh) if ((at == 2)); then _ghoard_offer $_ghoard_gh_commands; else _ghoard_files; fi ;;
    *) _ghoard_command ;;
  esac
}

complete -F _ghoard ghoard
