# bash completion for wardenctl(1) and warden(8). The names of workers, groups, incidents and alerts are the daemon's
# own; where none answers within a second there are none.

# What wardenctl prints, with the server's options that stand on the line already.
_wardenctl_ask() {
    local -a options=()
    local index
    for ((index = 1; index < at; index++)); do
        case ${words[index]} in
            -c | -s | -u | -p | --configuration | --serverurl | --username | --password | --ca-file)
                options+=("${words[index]}" "${words[++index]/#\~/$HOME}")
                ;;
        esac
    done
    timeout "${WARDENCTL_COMPLETION_SECONDS:-1}" "${words[0]/#\~/$HOME}" "${options[@]}" "$@" 2>/dev/null </dev/null
}

# Names as `status` lists them.
_wardenctl_workers() {
    _wardenctl_ask status |
        awk '$2 ~ /^(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)$/ { print $1 }'
}

_wardenctl_groups() {
    _wardenctl_workers | sed 's/:.*//' | sort -u
}

_wardenctl_workers_and_groups() {
    _wardenctl_workers |
        awk '{ print; if (sub(/:.*/, ":*") && !seen[$0]++) print } END { print "all" }'
}

_wardenctl_incidents() {
    _wardenctl_ask incidents --limit 100 --json | grep -o '"id":"[^"]*"' | cut -d '"' -f 4
}

_wardenctl_alerts() {
    _wardenctl_ask alert --json | grep -o '"name":"[^"]*"' | cut -d '"' -f 4
}

# Sets COMPREPLY to those of the words behind the options of compgen that begin as `current` does.
_wardenctl_reply() {
    local IFS=$'\n' word prefix
    COMPREPLY=()
    while read -r word; do
        [[ -n $word && $word == "$current"* ]] && COMPREPLY+=("$word")
    done
    # Readline replaces only what follows the last colon, but all of what is quoted.
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* && ${words[count]} != [\'\"]* ]]; then
        prefix=${current%"${current##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
    fi
}

_wardenctl_words() {
    _wardenctl_reply < <(printf '%s\n' "$@")
}

_wardenctl_files() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
}

# The words up to the cursor as they are meant: bash cuts them at colons. Sets words, count (the index of the current
# one) and current.
_wardenctl_split() {
    local line=${COMP_LINE:0:COMP_POINT}
    if [[ -z $line ]]; then
        words=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
    else
        read -r -a words <<<"$line"
        [[ $line == *[[:space:]] ]] && words+=("")
    fi
    count=$((${#words[@]} - 1))
    current=${words[count]//[\'\"]/}
}

_wardenctl_commands="add alert avail check clear drill events exit fds fg hash-password help incident incidents maintail
open pause-health pid quit reload remove replay reread restart resume-health shutdown signal start status stop tail tune
update upgrade version why"

_wardenctl() {
    local current count index command="" at=0 previous
    local -a words
    _wardenctl_split
    previous=${words[count - 1]}
    for ((index = 1; index < count; index++)); do
        case ${words[index]} in
            -[csupr] | --configuration | --serverurl | --username | --password | --history-file | --ca-file)
                ((index++))
                ;;
            -*) ;;
            *)
                command=${words[index]}
                at=$index
                break
                ;;
        esac
    done
    COMPREPLY=()
    if [[ -z $command ]]; then
        _wardenctl_option
        return
    fi
    if [[ $current == -* ]]; then
        _wardenctl_command_option
        return
    fi
    _wardenctl_argument
}

# Before the command: options, what belongs to them, and the commands.
_wardenctl_option() {
    case $previous in
        -c | --configuration | -r | --history-file | --ca-file) _wardenctl_files ;;
        -s | --serverurl) _wardenctl_words unix:///run/warden/warden.sock http://127.0.0.1:9001 ;;
        -u | --username | -p | --password) ;;
        *)
            if [[ $current == -* ]]; then
                _wardenctl_words -c -s -u -p -i -r -h --configuration --serverurl --username --password --ca-file \
                    --interactive --history-file --json --help
            else
                _wardenctl_words $_wardenctl_commands
            fi
            ;;
    esac
}

_wardenctl_command_option() {
    case $command in
        status | why | fds | incident) _wardenctl_words --json --help ;;
        alert) _wardenctl_words --json --help ;;
        incidents) _wardenctl_words --limit --json --help ;;
        events) _wardenctl_words -f --follow --json --help ;;
        tail | maintail) _wardenctl_words -f -4000 --help ;;
        restart) _wardenctl_words --rolling --rolling= --help ;;
        pause-health) _wardenctl_words --for --help ;;
        drill) _wardenctl_words --act --for --json --help ;;
        tune) _wardenctl_words --least --help ;;
        replay) _wardenctl_words --config --set --since --json --help ;;
        check) _wardenctl_words --from-supervisor --help ;;
        *) _wardenctl_words --help ;;
    esac
}

_wardenctl_argument() {
    # How many words that are no options stand between the command and the current one.
    local index position=0
    for ((index = at + 1; index < count; index++)); do
        [[ ${words[index]} == -* ]] || ((position++))
    done
    case $previous in
        --for | --least | --since)
            _wardenctl_words 10m 30m 1h 2h 1d
            return
            ;;
        --limit) return ;;
        --config | --from-supervisor)
            _wardenctl_files
            return
            ;;
    esac
    case $command in
        help) ((position)) || _wardenctl_words $_wardenctl_commands ;;
        check) _wardenctl_files ;;
        add | remove | update) _wardenctl_reply < <(_wardenctl_groups) ;;
        why | fds | fg | replay) ((position)) || _wardenctl_reply < <(_wardenctl_workers) ;;
        incidents) ((position)) || _wardenctl_reply < <(_wardenctl_workers) ;;
        tune) ((position)) || _wardenctl_reply < <(_wardenctl_workers; _wardenctl_groups) ;;
        incident) ((position)) || _wardenctl_reply < <(_wardenctl_incidents) ;;
        drill)
            if ((position)); then
                _wardenctl_words emfile hang spin silence memory stop
            else
                _wardenctl_reply < <(_wardenctl_workers)
            fi
            ;;
        tail)
            if ((position)); then
                _wardenctl_words stdout stderr
            else
                _wardenctl_reply < <(_wardenctl_workers)
            fi
            ;;
        signal)
            if ((position)); then
                _wardenctl_reply < <(_wardenctl_workers_and_groups)
            else
                _wardenctl_words TERM HUP INT QUIT KILL USR1 USR2 STOP CONT
            fi
            ;;
        alert)
            if ((position)); then
                _wardenctl_reply < <(_wardenctl_alerts)
            else
                _wardenctl_words test
            fi
            ;;
        clear | events | pause-health | pid | restart | resume-health | start | status | stop)
            _wardenctl_reply < <(_wardenctl_workers_and_groups)
            ;;
        open) _wardenctl_words unix:///run/warden/warden.sock http://127.0.0.1:9001 ;;
    esac
}

_warden() {
    local current count previous
    local -a words
    _wardenctl_split
    previous=${words[count - 1]}
    COMPREPLY=()
    case $previous in
        -c | --configuration | -l | --logfile | -j | --pidfile) _wardenctl_files ;;
        -d | --directory | -q | --childlogdir)
            compopt -o filenames 2>/dev/null
            local IFS=$'\n'
            COMPREPLY=($(compgen -d -- "$current"))
            ;;
        -u | --user) COMPREPLY=($(compgen -u -- "$current")) ;;
        -e | --loglevel) _wardenctl_words critical error warn info debug trace blather ;;
        -m | --umask) _wardenctl_words 022 027 077 ;;
        -y | --logfile_maxbytes | -z | --logfile_backups | -i | --identifier | -a | --minfds | --minprocs) ;;
        --profile_options) ;;
        *)
            _wardenctl_words -c -n -s -h -v -u -m -d -l -y -z -e -j -i -q -k -a -t --configuration --nodaemon --silent \
                --help --version --user --umask --directory --logfile --logfile_maxbytes --logfile_backups --loglevel \
                --pidfile --identifier --childlogdir --nocleanup --minfds --strip_ansi --minprocs --profile_options \
                --check --shadow
            ;;
    esac
}

complete -F _wardenctl wardenctl
complete -F _warden warden
