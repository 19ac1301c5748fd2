# fish completion for ghoard(1).
#
# Nothing here waits: no agent is started, GitHub is not asked, and the cache gets a tenth of a second to tell which
# endpoints it remembers.

# Routes of GitHub's API. `ghoard api` fills in {owner}, {repo} and {branch}; a completion ends before a :part.
set -g __ghoard_routes \
    'app' \
    'emojis' \
    'events' \
    'gists' \
    'gists/public' \
    'gists/starred' \
    'gists/:id' \
    'gists/:id/comments' \
    'gists/:id/commits' \
    'gists/:id/forks' \
    'gitignore/templates' \
    'gitignore/templates/:name' \
    'graphql' \
    'installation/repositories' \
    'issues' \
    'licenses' \
    'licenses/:license' \
    'meta' \
    'notifications' \
    'notifications/threads/:id' \
    'octocat' \
    'orgs/{owner}' \
    'orgs/{owner}/actions/permissions' \
    'orgs/{owner}/actions/runners' \
    'orgs/{owner}/actions/secrets' \
    'orgs/{owner}/actions/variables' \
    'orgs/{owner}/dependabot/alerts' \
    'orgs/{owner}/events' \
    'orgs/{owner}/hooks' \
    'orgs/{owner}/installations' \
    'orgs/{owner}/issues' \
    'orgs/{owner}/members' \
    'orgs/{owner}/outside_collaborators' \
    'orgs/{owner}/packages' \
    'orgs/{owner}/repos' \
    'orgs/{owner}/rulesets' \
    'orgs/{owner}/teams' \
    'orgs/{owner}/teams/:slug' \
    'orgs/{owner}/teams/:slug/members' \
    'orgs/{owner}/teams/:slug/repos' \
    'rate_limit' \
    'repos/{owner}/{repo}' \
    'repos/{owner}/{repo}/actions/artifacts' \
    'repos/{owner}/{repo}/actions/artifacts/:id' \
    'repos/{owner}/{repo}/actions/artifacts/:id/zip' \
    'repos/{owner}/{repo}/actions/cache/usage' \
    'repos/{owner}/{repo}/actions/caches' \
    'repos/{owner}/{repo}/actions/jobs/:id' \
    'repos/{owner}/{repo}/actions/jobs/:id/logs' \
    'repos/{owner}/{repo}/actions/permissions' \
    'repos/{owner}/{repo}/actions/runners' \
    'repos/{owner}/{repo}/actions/runs' \
    'repos/{owner}/{repo}/actions/runs/:id' \
    'repos/{owner}/{repo}/actions/runs/:id/artifacts' \
    'repos/{owner}/{repo}/actions/runs/:id/attempts/:number' \
    'repos/{owner}/{repo}/actions/runs/:id/attempts/:number/jobs' \
    'repos/{owner}/{repo}/actions/runs/:id/cancel' \
    'repos/{owner}/{repo}/actions/runs/:id/jobs' \
    'repos/{owner}/{repo}/actions/runs/:id/logs' \
    'repos/{owner}/{repo}/actions/runs/:id/rerun' \
    'repos/{owner}/{repo}/actions/runs/:id/rerun-failed-jobs' \
    'repos/{owner}/{repo}/actions/runs/:id/timing' \
    'repos/{owner}/{repo}/actions/secrets' \
    'repos/{owner}/{repo}/actions/variables' \
    'repos/{owner}/{repo}/actions/workflows' \
    'repos/{owner}/{repo}/actions/workflows/:id' \
    'repos/{owner}/{repo}/actions/workflows/:id/dispatches' \
    'repos/{owner}/{repo}/actions/workflows/:id/runs' \
    'repos/{owner}/{repo}/activity' \
    'repos/{owner}/{repo}/assignees' \
    'repos/{owner}/{repo}/branches' \
    'repos/{owner}/{repo}/branches/{branch}' \
    'repos/{owner}/{repo}/branches/{branch}/protection' \
    'repos/{owner}/{repo}/check-runs/:id' \
    'repos/{owner}/{repo}/check-runs/:id/annotations' \
    'repos/{owner}/{repo}/code-scanning/alerts' \
    'repos/{owner}/{repo}/collaborators' \
    'repos/{owner}/{repo}/comments' \
    'repos/{owner}/{repo}/commits' \
    'repos/{owner}/{repo}/commits/{branch}' \
    'repos/{owner}/{repo}/commits/{branch}/check-runs' \
    'repos/{owner}/{repo}/commits/{branch}/check-suites' \
    'repos/{owner}/{repo}/commits/{branch}/comments' \
    'repos/{owner}/{repo}/commits/{branch}/pulls' \
    'repos/{owner}/{repo}/commits/{branch}/status' \
    'repos/{owner}/{repo}/commits/{branch}/statuses' \
    'repos/{owner}/{repo}/community/profile' \
    'repos/{owner}/{repo}/compare/:basehead' \
    'repos/{owner}/{repo}/contents' \
    'repos/{owner}/{repo}/contents/:path' \
    'repos/{owner}/{repo}/contributors' \
    'repos/{owner}/{repo}/dependabot/alerts' \
    'repos/{owner}/{repo}/deployments' \
    'repos/{owner}/{repo}/deployments/:id' \
    'repos/{owner}/{repo}/deployments/:id/statuses' \
    'repos/{owner}/{repo}/environments' \
    'repos/{owner}/{repo}/environments/:name' \
    'repos/{owner}/{repo}/events' \
    'repos/{owner}/{repo}/forks' \
    'repos/{owner}/{repo}/git/blobs/:sha' \
    'repos/{owner}/{repo}/git/commits/:sha' \
    'repos/{owner}/{repo}/git/matching-refs/heads' \
    'repos/{owner}/{repo}/git/matching-refs/tags' \
    'repos/{owner}/{repo}/git/ref/heads/{branch}' \
    'repos/{owner}/{repo}/git/ref/tags/:tag' \
    'repos/{owner}/{repo}/git/tags/:sha' \
    'repos/{owner}/{repo}/git/trees/{branch}' \
    'repos/{owner}/{repo}/hooks' \
    'repos/{owner}/{repo}/invitations' \
    'repos/{owner}/{repo}/issues' \
    'repos/{owner}/{repo}/issues/comments' \
    'repos/{owner}/{repo}/issues/events' \
    'repos/{owner}/{repo}/issues/:number' \
    'repos/{owner}/{repo}/issues/:number/assignees' \
    'repos/{owner}/{repo}/issues/:number/comments' \
    'repos/{owner}/{repo}/issues/:number/events' \
    'repos/{owner}/{repo}/issues/:number/labels' \
    'repos/{owner}/{repo}/issues/:number/lock' \
    'repos/{owner}/{repo}/issues/:number/reactions' \
    'repos/{owner}/{repo}/issues/:number/timeline' \
    'repos/{owner}/{repo}/keys' \
    'repos/{owner}/{repo}/labels' \
    'repos/{owner}/{repo}/languages' \
    'repos/{owner}/{repo}/license' \
    'repos/{owner}/{repo}/milestones' \
    'repos/{owner}/{repo}/notifications' \
    'repos/{owner}/{repo}/pages' \
    'repos/{owner}/{repo}/pages/builds' \
    'repos/{owner}/{repo}/pulls' \
    'repos/{owner}/{repo}/pulls/comments' \
    'repos/{owner}/{repo}/pulls/:number' \
    'repos/{owner}/{repo}/pulls/:number/comments' \
    'repos/{owner}/{repo}/pulls/:number/commits' \
    'repos/{owner}/{repo}/pulls/:number/files' \
    'repos/{owner}/{repo}/pulls/:number/merge' \
    'repos/{owner}/{repo}/pulls/:number/requested_reviewers' \
    'repos/{owner}/{repo}/pulls/:number/reviews' \
    'repos/{owner}/{repo}/readme' \
    'repos/{owner}/{repo}/releases' \
    'repos/{owner}/{repo}/releases/latest' \
    'repos/{owner}/{repo}/releases/tags/:tag' \
    'repos/{owner}/{repo}/releases/:id' \
    'repos/{owner}/{repo}/releases/:id/assets' \
    'repos/{owner}/{repo}/rules/branches/{branch}' \
    'repos/{owner}/{repo}/rulesets' \
    'repos/{owner}/{repo}/secret-scanning/alerts' \
    'repos/{owner}/{repo}/security-advisories' \
    'repos/{owner}/{repo}/stargazers' \
    'repos/{owner}/{repo}/stats/commit_activity' \
    'repos/{owner}/{repo}/stats/contributors' \
    'repos/{owner}/{repo}/stats/participation' \
    'repos/{owner}/{repo}/subscribers' \
    'repos/{owner}/{repo}/subscription' \
    'repos/{owner}/{repo}/tags' \
    'repos/{owner}/{repo}/tarball/{branch}' \
    'repos/{owner}/{repo}/teams' \
    'repos/{owner}/{repo}/topics' \
    'repos/{owner}/{repo}/traffic/clones' \
    'repos/{owner}/{repo}/traffic/views' \
    'repos/{owner}/{repo}/zipball/{branch}' \
    'search/code' \
    'search/commits' \
    'search/issues' \
    'search/labels' \
    'search/repositories' \
    'search/topics' \
    'search/users' \
    'user' \
    'user/emails' \
    'user/followers' \
    'user/following' \
    'user/gpg_keys' \
    'user/installations' \
    'user/issues' \
    'user/keys' \
    'user/memberships/orgs' \
    'user/orgs' \
    'user/repos' \
    'user/repository_invitations' \
    'user/starred' \
    'user/subscriptions' \
    'user/teams' \
    'users/{owner}' \
    'users/{owner}/events' \
    'users/{owner}/followers' \
    'users/{owner}/following' \
    'users/{owner}/gists' \
    'users/{owner}/keys' \
    'users/{owner}/orgs' \
    'users/{owner}/received_events' \
    'users/{owner}/repos' \
    'users/{owner}/starred' \
    'zen'

# The words before the cursor that are no flags and no values of flags, the command name left out. A flag that still
# waits for its value is told by a word that matches nothing.
function __ghoard_words
    set -l pending 0
    set -l only_words 0
    set -l tokens (commandline -opc)
    for token in $tokens[2..-1]
        if test $pending -gt 0
            set pending (math $pending - 1)
        else if test $only_words -eq 1
            printf '%s\n' $token
        else if test "$token" = --
            set only_words 1
        else if contains -- $token --arg --argjson
            set pending 2
        else if contains -- $token --method --raw-field --field --header --preview --input --hostname --jq \
                --template --error-body --cache --max-age --limit -L --allowed-hosts --announce-addr --api-url \
                --bootstrap-peers --default-ttl --denied-peers --enable-p2p --github-repo --identity-file --idle-timeout \
                --listen-addr --listen-port --max-cache-size --network-name
            set pending 1
        else if string match -qr -- '^-[ih]*[XfFHpqt]$' $token
            set pending 1
        else if not string match -q -- '-?*' $token
            printf '%s\n' $token
        end
    end
    test $pending -gt 0; and echo --
end

# True if the command line so far reads exactly: ghoard WORD..., flags aside.
function __ghoard_after
    test "$(__ghoard_words | string join ' ')" = "$argv"
end

# True if the command line so far begins with one of these: "api", "agent start".
function __ghoard_in
    set -l words (__ghoard_words)
    for start in $argv
        set -l wanted (string split ' ' -- $start)
        test "$words[1..$(count $wanted)]" = "$wanted"; and return 0
    end
    return 1
end

function __ghoard_hosts
    set -l base $HOME/.config
    set -q XDG_CONFIG_HOME; and test -n "$XDG_CONFIG_HOME"; and set base $XDG_CONFIG_HOME
    set -l directory $base/gh
    set -q GH_CONFIG_DIR; and test -n "$GH_CONFIG_DIR"; and set directory $GH_CONFIG_DIR
    echo github.com
    test -r $directory/hosts.yml
    and string match -rg '^([A-Za-z0-9.-]+):' <$directory/hosts.yml
end

# Endpoints in the cache, read without an agent being started. Only plain characters pass.
function __ghoard_remembered
    command -q timeout; or return
    set -l slash ''
    string match -q '/*' -- (commandline -ct); and set slash /
    set -l program (commandline -opc)[1]
    for path in (GHOARD_NO_SPAWN=1 timeout -s KILL 0.1 $program cache ls --json </dev/null 2>/dev/null |
            string match -arg '"path" *: *"/([A-Za-z0-9._~/%@+-]+)"')
        echo $slash(string replace -r '^api/v3/' '' -- $path)
    end
end

# The typed segments pick the routes and take the place of their variable parts.
function __ghoard_endpoints
    set -l typed (commandline -ct | string replace -ra '[\'"\\\\\\\\]' '')
    string match -q '*://*' -- $typed; and return
    set -l slash ''
    if string match -q '/*' -- $typed
        set slash /
        set typed (string replace -r '^/' '' -- $typed)
    end
    set -l segments (string split / -- $typed)
    set -e segments[-1]
    # One pattern picks the routes: each typed segment is itself or stands in a variable part.
    set -l pattern '^'
    for segment in $segments
        set pattern $pattern'(?:'(string escape --style=regex -- $segment)'|:[a-z]+|\{[a-z]+\})/'
    end
    set -l done_part (string join / -- $segments '')
    string match -rg -- $pattern'(.+)$' $__ghoard_routes | string replace -r ':.*' '' |
        string match -v '' | string replace -r '^' -- "$slash$done_part" | sort -u
    __ghoard_remembered
end

complete -c ghoard -f

# commands
complete -c ghoard -n '__ghoard_after' -a api -d 'Ask the GitHub API through the cache'
complete -c ghoard -n '__ghoard_after' -a agent -d 'Run, start, stop and inspect the agent'
complete -c ghoard -n '__ghoard_after' -a cache -d 'List, remove and measure what is stored'
complete -c ghoard -n '__ghoard_after' -a peers -d 'List, add, remove and check peers'
complete -c ghoard -n '__ghoard_after' -a network -d 'Make network keys, and tell about the network'
complete -c ghoard -n '__ghoard_after' -a stats -d 'Counters since the start of the agent'
complete -c ghoard -n '__ghoard_after' -a rate -d 'What is left of the rate limits'
complete -c ghoard -n '__ghoard_after' -a doctor -d 'Find what is wrong'
complete -c ghoard -n '__ghoard_after' -a gh -d 'Run gh through the agent'
complete -c ghoard -n '__ghoard_after' -a config -d 'Show and change settings'
complete -c ghoard -n '__ghoard_after' -a completion -d 'Print a completion script'
complete -c ghoard -n '__ghoard_after' -a version -d 'Print the version'
complete -c ghoard -n '__ghoard_after' -a help -d 'Tell about a command'
complete -c ghoard -n '__ghoard_after' -l version -d 'Print the version'
complete -c ghoard -n '__ghoard_after' -l no-spawn -d 'Start no agent'
complete -c ghoard -n '__ghoard_after help' -a 'agent api cache completion config doctor gh network peers rate stats version'
complete -c ghoard -n 'not __ghoard_in gh' -s h -l help -d 'Show help'

# api
complete -c ghoard -n '__ghoard_after api' -a '(__ghoard_endpoints)'
complete -c ghoard -n '__ghoard_in api' -s X -l method -x -a 'GET HEAD POST PUT PATCH DELETE' -d 'The HTTP method'
complete -c ghoard -n '__ghoard_in api' -s f -l raw-field -x -d 'Add a string parameter'
complete -c ghoard -n '__ghoard_in api' -s F -l field -x -d 'Add a typed parameter'
complete -c ghoard -n '__ghoard_in api' -s H -l header -x -d 'Add a request header'
complete -c ghoard -n '__ghoard_in api' -s p -l preview -x -d 'Opt into API previews'
complete -c ghoard -n '__ghoard_in api' -l input -r -F -d 'File that is sent as the body'
complete -c ghoard -n '__ghoard_in api' -l hostname -x -a '(__ghoard_hosts)' -d 'The GitHub host to ask'
complete -c ghoard -n '__ghoard_in api' -l paginate -d 'Fetch all pages'
complete -c ghoard -n '__ghoard_in api' -l slurp -d 'With --paginate: one array that holds the pages'
complete -c ghoard -n '__ghoard_in api' -s i -l include -d 'Print status line and headers too'
complete -c ghoard -n '__ghoard_in api' -s q -l jq -x -d 'Print what a jq filter selects'
complete -c ghoard -n '__ghoard_in api' -l arg -x -d 'With --jq: set a variable to a string'
complete -c ghoard -n '__ghoard_in api' -l argjson -x -d 'With --jq: set a variable to a JSON value'
complete -c ghoard -n '__ghoard_in api' -s t -l template -x -d 'Go template'
complete -c ghoard -n '__ghoard_in api' -l silent -d 'Do not print the body'
complete -c ghoard -n '__ghoard_in api' -l verbose -d 'Print the whole exchange, without the token'
complete -c ghoard -n '__ghoard_in api' -l error-body -x -a 'stdout stderr' -d 'Where the body of an error is printed'
complete -c ghoard -n '__ghoard_in api' -l cache -x -a '30s 1m 5m 15m 1h 1d' -d 'Accept an answer up to this old'
complete -c ghoard -n '__ghoard_in api' -l max-age -x -a '30s 1m 5m 15m 1h 1d' -d 'Never accept an older answer'
complete -c ghoard -n '__ghoard_in api' -l refresh -d 'Ask GitHub whether the stored answer still holds'
complete -c ghoard -n '__ghoard_in api' -l no-cache -d 'Go past the cache'
complete -c ghoard -n '__ghoard_in api' -l offline -d 'Answer from the cache alone'
complete -c ghoard -n '__ghoard_in api' -l no-spawn -d 'Do not start an agent'

# agent
complete -c ghoard -n '__ghoard_after agent; or __ghoard_after help agent' -a run -d 'Be the agent, in the foreground'
complete -c ghoard -n '__ghoard_after agent; or __ghoard_after help agent' -a start -d 'Start an agent unless one runs'
complete -c ghoard -n '__ghoard_after agent; or __ghoard_after help agent' -a stop -d 'Ask the agent to go, and wait'
complete -c ghoard -n '__ghoard_after agent; or __ghoard_after help agent' -a restart -d 'Stop and start'
complete -c ghoard -n '__ghoard_after agent; or __ghoard_after help agent' -a status -d 'What runs'
complete -c ghoard -n '__ghoard_after agent; or __ghoard_after help agent' -a logs -d 'Print the log of the agent'
set -l starts '__ghoard_in "agent start" "agent restart" "agent run"'
complete -c ghoard -n $starts -l allowed-hosts -x -d 'Further API hosts that the agent may contact'
complete -c ghoard -n $starts -l announce-addr -x -d 'Address that peers are told to connect to'
complete -c ghoard -n $starts -l api-url -x -d 'Base URL used in place of the API of github.com'
complete -c ghoard -n $starts -l bootstrap-peers -x -d 'Peers to begin with'
complete -c ghoard -n $starts -l default-ttl -x -d 'How long answers of unlisted routes stay fresh'
complete -c ghoard -n $starts -l denied-peers -x -d 'Peers that are let in no more'
complete -c ghoard -n $starts -l enable-p2p -x -a 'true false' -d 'Share answers with peer agents'
complete -c ghoard -n $starts -l github-repo -x -d 'Repository through which peers find each other'
complete -c ghoard -n $starts -l identity-file -r -F -d 'File of the identity key of this agent'
complete -c ghoard -n $starts -l idle-timeout -x -d 'How long the agent lives without requests'
complete -c ghoard -n $starts -l listen-addr -x -d 'Address on which peers are listened for'
complete -c ghoard -n $starts -l listen-port -x -d 'Port on which peers are listened for'
complete -c ghoard -n $starts -l max-cache-size -x -d 'Size limit of the cache'
complete -c ghoard -n $starts -l network-name -x -d 'Name of the network of peers'
complete -c ghoard -n '__ghoard_in "agent logs"' -s f -l follow -d 'Go on printing what is added'

# cache
complete -c ghoard -n '__ghoard_after cache; or __ghoard_after help cache' -a ls -d 'List what is cached'
complete -c ghoard -n '__ghoard_after cache; or __ghoard_after help cache' -a rm -d 'Remove the answers of endpoints'
complete -c ghoard -n '__ghoard_after cache; or __ghoard_after help cache' -a clear -d 'Remove everything'
complete -c ghoard -n '__ghoard_after cache; or __ghoard_after help cache' -a stats -d 'How full the cache is'
complete -c ghoard -n '__ghoard_after cache ls; or __ghoard_in "cache rm"' -a '(__ghoard_remembered)'
complete -c ghoard -n '__ghoard_in "cache ls" "cache rm"' -l hostname -x -a '(__ghoard_hosts)' -d 'The GitHub host'
complete -c ghoard -n '__ghoard_in "cache ls"' -s L -l limit -x -d 'At most so many'

# config
complete -c ghoard -n '__ghoard_after config; or __ghoard_after help config' -a list -d 'Every setting and its origin'
complete -c ghoard -n '__ghoard_after config; or __ghoard_after help config' -a get -d 'The value of one setting'
complete -c ghoard -n '__ghoard_after config; or __ghoard_after help config' -a set -d 'Write one setting'
complete -c ghoard -n '__ghoard_after config; or __ghoard_after help config' -a path -d 'The path of config.toml'
complete -c ghoard -n '__ghoard_after config get; or __ghoard_after config set' -a '
    allowed_hosts announce_addr api_url bootstrap_peers default_ttl denied_peers enable_p2p github_repo identity_file
    idle_timeout listen_addr listen_port max_cache_size network_key network_name no_spawn'
complete -c ghoard -n '__ghoard_after config set enable_p2p; or __ghoard_after config set no_spawn' -a 'true false'

# peers and network
complete -c ghoard -n '__ghoard_after peers; or __ghoard_after help peers' -a list -d 'Show the peers of the running agent'
complete -c ghoard -n '__ghoard_after peers; or __ghoard_after help peers' -a add -d 'Connect to a peer'
complete -c ghoard -n '__ghoard_after peers; or __ghoard_after help peers' -a remove -d 'Leave a peer and forget it'
complete -c ghoard -n '__ghoard_after peers; or __ghoard_after help peers' -a check -d 'Check addresses of peers'
complete -c ghoard -n '__ghoard_after network; or __ghoard_after help network' -a new-key -d 'Make a network key'
complete -c ghoard -n '__ghoard_after network; or __ghoard_after help network' -a status -d 'The network of the running agent'

# the rest
complete -c ghoard -n '__ghoard_in "agent start" "agent restart" "agent stop" "agent status" "cache ls" "cache rm" \
    "cache clear" "cache stats" "config list" "config get" "config path" "network new-key" "network status" "peers list" "peers add" "peers remove" \
    "peers check" doctor rate stats version' -l json -d 'Print JSON'
complete -c ghoard -n '__ghoard_after completion' -a 'bash fish zsh'
complete -c ghoard -n '__ghoard_after gh' -a 'alias api auth browse cache codespace completion config extension gist
    gpg-key issue label org pr project release repo ruleset run search secret ssh-key status variable workflow'
complete -c ghoard -n '__ghoard_in gh; and not __ghoard_after gh' -F
