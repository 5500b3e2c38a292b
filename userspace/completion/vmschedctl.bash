# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Completion of vmschedctl for bash. Names come from the program itself, read
# from the columns of its lists, so that nothing else is needed.

# Column $2 of "vmschedctl $1 list", without the head. Names with blanks, which
# make a line of more words than the head has, cannot be completed.
_vmschedctl_column()
{
	vmschedctl "$1" list 2>/dev/null |
		awk -v n="$2" 'NR == 1 { words = NF }
			NR > 1 && (n == 1 || NF == words) { print $n }'
}

_vmschedctl_params='weight cap reservation period budget slice warp warp-limit
	unwarp affinity time-critical'

# Words for what follows a key, or else the keys that are left.
_vmschedctl_pairs()
{
	local first=$1 keys=$2 i

	if (((COMP_CWORD - first) % 2)); then
		case ${COMP_WORDS[COMP_CWORD - 1]} in
		pool) _vmschedctl_column pool 1 ;;
		activate) echo id table patch ;;
		old) echo keep unload-before unload-after ;;
		on-console-timeout) echo go-on give-up ;;
		escape) echo none ;;
		socket) compgen -f -- "${COMP_WORDS[COMP_CWORD]}" ;;
		time-critical) echo on off ;;
		affinity) echo all ;;
		esac
		return
	fi
	for ((i = first; i < COMP_CWORD; i += 2)); do
		keys=${keys/"${COMP_WORDS[i]}"/}
	done
	echo "$keys"
}

# The same for a switch, where one word stands alone: it is passed over.
_vmschedctl_switch()
{
	local keys='pool activate old cease-timeout strict-cease on-console-timeout console-timeout'
	local first=$1 i

	for ((i = first; i < COMP_CWORD; i += 2)); do
		if [[ ${COMP_WORDS[i]} == strict-cease ]]; then
			keys=${keys/strict-cease/}
			((first++, i--))
		else
			keys=${keys/"${COMP_WORDS[i]}"/}
		fi
	done
	_vmschedctl_pairs "$first" "$keys"
}

_vmschedctl_words()
{
	local object=${COMP_WORDS[$1]:-} command=${COMP_WORDS[$1 + 1]:-}
	local at=$((COMP_CWORD - $1)) pairs=$(($1 + 3))

	case $at,$object,$command in
	0,*) echo status sched vm vcpu pool request console fault events record advise version help ;;
	1,sched,*) echo list show load unload switch previous evict help ;;
	1,vm,*) echo list show set help ;;
	1,vcpu,*) echo list set help ;;
	1,pool,*) echo list show add set del help ;;
	1,request,*) echo yield owner prio help ;;
	1,console,*) echo attach owner help ;;
	1,fault,*) echo list show help ;;
	1,record,*) compgen -f -- "${COMP_WORDS[COMP_CWORD]}" ;;
	1,help,*) echo status sched vm vcpu pool request console fault events record advise version ;;
	2,sched,show | 2,sched,unload) _vmschedctl_column sched 1 ;;
	2,sched,load | 2,sched,switch)
		_vmschedctl_column sched 1
		modprobe -c 2>/dev/null |
			sed -n 's/^alias vmsched[-_]sched[-_]\([^ ]*\) .*/\1/p'
		;;
	2,vm,show | 2,vm,set | 2,vcpu,list | 2,request,* | 2,console,owner)
		_vmschedctl_column vm 1
		_vmschedctl_column vm 2
		;;
	2,fault,show | 2,pool,show | 2,pool,set | 2,pool,del) _vmschedctl_column pool 1 ;;
	2,vcpu,set)
		vmschedctl vcpu list 2>/dev/null |
			awk 'NR > 1 { print $1 "/" $2 }'
		;;
	3,sched,unload) echo --force ;;
	*,sched,switch)
		_vmschedctl_switch "$pairs" ;;
	*,sched,evict) _vmschedctl_pairs "$((pairs - 1))" 'pool why' ;;
	*,record,*) _vmschedctl_pairs "$((pairs - 1))" seconds ;;
	*,advise,*) _vmschedctl_pairs "$((pairs - 2))" 'seconds schedulers' ;;
	*,console,attach) _vmschedctl_pairs "$((pairs - 1))" 'pool socket escape' ;;
	*,pool,add | *,pool,set) _vmschedctl_pairs "$pairs" cpus ;;
	*,sched,previous) _vmschedctl_pairs "$((pairs - 1))" pool ;;
	*,vm,set) _vmschedctl_pairs "$pairs" "$_vmschedctl_params pool" ;;
	*,request,prio) _vmschedctl_pairs "$pairs" weight ;;
	*,vcpu,set) _vmschedctl_pairs "$pairs" "$_vmschedctl_params" ;;
	esac
}

_vmschedctl()
{
	local word=${COMP_WORDS[COMP_CWORD]} first=1

	while [[ $first -lt $COMP_CWORD && ${COMP_WORDS[first]} == -* ]]; do
		((first++))
	done
	if [[ $word == -* && $first -eq $COMP_CWORD ]]; then
		mapfile -t COMPREPLY < <(compgen -W '-j -p --json --pretty --help
			--version' -- "$word")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$(_vmschedctl_words "$first")" \
		-- "$word" | sort -u)
}

complete -F _vmschedctl -o default vmschedctl
