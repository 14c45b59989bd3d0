# fish completion for wardenctl(1). The names of workers, groups, incidents and alerts are the daemon's own; where none
# answers within a second there are none.

# What wardenctl prints, with the server's options that stand on the line already.
function __wardenctl_ask
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l options
    while set -q words[1]
        switch $words[1]
            case -c -s -u -p --configuration --serverurl --username --password --ca-file
                set -q words[2]; or break
                set -a options $words[1] (string replace -r '^~(?=/|$)' $HOME -- $words[2])
                set -e words[1]
            case -r --history-file
                set -e words[1]
            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    set -l seconds 1
    set -q WARDENCTL_COMPLETION_SECONDS; and set seconds $WARDENCTL_COMPLETION_SECONDS
    timeout $seconds (string replace -r '^~(?=/|$)' $HOME -- $program) $options $argv 2>/dev/null </dev/null
end

# The command and what stands behind it, without options; nothing while there is no command.
function __wardenctl_behind
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case -c -s -u -p -r --configuration --serverurl --username --password --history-file --ca-file
                set -e words[1]
            case '-*'
            case '*'
                printf '%s\n' $words[1]
                set -e words[1]
                for word in $words
                    string match -q -- '-*' $word; or printf '%s\n' $word
                end
                return
        end
        set -e words[1]
    end
end

function __wardenctl_needs_command
    test -z "$(__wardenctl_behind)"
end

# Whether the command is one of these.
function __wardenctl_is
    set -l behind (__wardenctl_behind)
    set -q behind[1]; and contains -- $behind[1] $argv
end

# Whether the command is one of these and its first word is to come.
function __wardenctl_begins
    set -l behind (__wardenctl_behind)
    test (count $behind) -eq 1; and contains -- $behind[1] $argv
end

# Whether the command is one of these and its first word is there.
function __wardenctl_goes_on
    set -l behind (__wardenctl_behind)
    test (count $behind) -gt 1; and contains -- $behind[1] $argv
end

function __wardenctl_workers
    __wardenctl_ask status |
        string replace -rf '^(\S+)\s+(STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)\b.*' '$1\t$2'
end

function __wardenctl_groups
    __wardenctl_workers | string replace -r '[:\t].*' '' | sort -u
end

function __wardenctl_workers_and_groups
    set -l workers (__wardenctl_workers)
    printf '%s\n' $workers
    printf '%s\n' $workers | string replace -rf ':.*' ':*\tgroup' | sort -u
    printf 'all\teverything\n'
end

function __wardenctl_incidents
    __wardenctl_ask incidents --limit 100 --json | string match -ra '"id":"[^"]*"' | string replace -r '.*:"(.*)"' '$1'
end

function __wardenctl_alerts
    __wardenctl_ask alert --json | string match -ra '"name":"[^"]*"' | string replace -r '.*:"(.*)"' '$1'
end

complete -c wardenctl -f

complete -c wardenctl -n __wardenctl_needs_command -s c -l configuration -rF -d 'Take the server from this file'
complete -c wardenctl -n __wardenctl_needs_command -s s -l serverurl -x -d 'The server' \
    -a 'unix:///run/warden/warden.sock http://127.0.0.1:9001'
complete -c wardenctl -n __wardenctl_needs_command -s u -l username -x -d 'For Basic authentication'
complete -c wardenctl -n __wardenctl_needs_command -s p -l password -x -d 'For Basic authentication'
complete -c wardenctl -n __wardenctl_needs_command -l ca-file -rF -d 'Certificates to trust with https'
complete -c wardenctl -n __wardenctl_needs_command -s i -l interactive -d 'Ask before something is shut down'
complete -c wardenctl -n __wardenctl_needs_command -s r -l history-file -rF -d 'Where the shell keeps what was typed'
complete -c wardenctl -n __wardenctl_needs_command -l json -d 'Print JSON'
complete -c wardenctl -s h -l help -d 'How it is used'

function __wardenctl_commands
    printf '%s\t%s\n' \
        add 'Start what a reread found for groups' \
        alert 'Whom the daemon tells of incidents' \
        avail 'What is configured, in use or not' \
        check 'Check a configuration' \
        clear 'Empty logs' \
        drill 'Prove what Warden would do' \
        events 'What happened lately' \
        exit 'Leave the shell' \
        fds 'Count descriptors by kind' \
        fg 'Show the outputs of a process and type to it' \
        hash-password 'A password as a configuration may keep it' \
        help 'List the commands, or say how one is used' \
        incident 'One incident with all that was found' \
        incidents 'What Warden saw and did lately' \
        maintail 'The end of the daemon\'s own log' \
        open 'Talk to another daemon' \
        pause-health 'Show verdicts but do not act on them' \
        pid 'Process ids' \
        quit 'Leave the shell' \
        reload 'Stop everything and start the daemon anew' \
        remove 'Forget stopped groups' \
        replay 'What was recorded, under other settings' \
        reread 'Say what differs in the configuration' \
        restart 'Stop and start processes' \
        resume-health 'Act on verdicts again' \
        shutdown 'Stop everything and end the daemon' \
        signal 'Send a signal' \
        start 'Start processes' \
        status 'Every process, its state and its health' \
        stop 'Stop processes' \
        tail 'The end of a process\'s log' \
        tune 'Propose a health section from what was seen' \
        update 'Bring what differs up to date' \
        upgrade 'Let the installed binary take over' \
        version 'The version of the interface' \
        why 'What Warden believes of a worker, and why'
end

complete -c wardenctl -n __wardenctl_needs_command -a '(__wardenctl_commands)'
complete -c wardenctl -n '__wardenctl_begins help' -a '(__wardenctl_commands)'
complete -c wardenctl -n '__wardenctl_begins why fds fg replay incidents drill tail tune' -a '(__wardenctl_workers)'
complete -c wardenctl -n '__wardenctl_begins tune' -a '(__wardenctl_groups)'
complete -c wardenctl -n '__wardenctl_is clear events pause-health pid restart resume-health start status stop' \
    -a '(__wardenctl_workers_and_groups)'
complete -c wardenctl -n '__wardenctl_begins signal' -a 'TERM HUP INT QUIT KILL USR1 USR2 STOP CONT'
complete -c wardenctl -n '__wardenctl_goes_on signal' -a '(__wardenctl_workers_and_groups)'
complete -c wardenctl -n '__wardenctl_is add remove update' -a '(__wardenctl_groups)'
complete -c wardenctl -n '__wardenctl_begins incident' -a '(__wardenctl_incidents)'
complete -c wardenctl -n '__wardenctl_begins alert' -a test
complete -c wardenctl -n '__wardenctl_goes_on alert' -a '(__wardenctl_alerts)'
complete -c wardenctl -n '__wardenctl_goes_on drill' -a 'emfile hang spin silence memory stop'
complete -c wardenctl -n '__wardenctl_goes_on tail' -a 'stdout stderr'
complete -c wardenctl -n '__wardenctl_begins open' -a 'unix:///run/warden/warden.sock http://127.0.0.1:9001'
complete -c wardenctl -n '__wardenctl_is check' -F
complete -c wardenctl -n '__wardenctl_is check' -l from-supervisor -rF -d 'A configuration of supervisord'
complete -c wardenctl -n '__wardenctl_is status why fds incident incidents events drill replay alert' -l json \
    -d 'Print JSON'
complete -c wardenctl -n '__wardenctl_is incidents' -l limit -x -d 'At most so many'
complete -c wardenctl -n '__wardenctl_is events' -s f -l follow -d 'Go on until Ctrl-C'
complete -c wardenctl -n '__wardenctl_is tail maintail' -s f -d 'Follow it until Ctrl-C'
complete -c wardenctl -n '__wardenctl_is restart' -l rolling -d 'A few at a time'
complete -c wardenctl -n '__wardenctl_is pause-health drill' -l for -x -a '10m 30m 1h 2h 1d' -d 'Only so long'
complete -c wardenctl -n '__wardenctl_is drill' -l act -d 'Do what is decided'
complete -c wardenctl -n '__wardenctl_is tune' -l least -x -a '10m 30m 1h 2h 1d' -d 'The least time to have been seen'
complete -c wardenctl -n '__wardenctl_is replay' -l config -rF -d 'The configuration that is tried'
complete -c wardenctl -n '__wardenctl_is replay' -l set -x -d 'KEY=VALUE that is tried'
complete -c wardenctl -n '__wardenctl_is replay' -l since -x -a '10m 30m 1h 2h 1d' -d 'Only the last so long'
