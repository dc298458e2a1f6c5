# Process 1 of every container. `$@` starts the interpreter, which takes its program from standard input.
#
# The first line of standard input is the mark: known to the service and to this shell alone, so that only this shell can
# say how the program ended. Behind it may stand how many seconds to stay after that: the end of a container keeps an engine
# busy, which programs that still run should not feel.
#
# The report is one line behind the mark on standard output: exit status, CPU time of the control group in nanoseconds
# (version 1) or microseconds (version 2), CPU time of children in user and system mode in hundredths of a second, peak
# memory, OOM kills; `-` where the kernel does not tell. The mark alone ends standard error.
read -r mark linger || exit 0
# What a shell itself says of a death, such as `Killed`, is in the report.
exec 3>&2 2>/dev/null
(exec "$@" 2>&3 3>&-)
status=$?
# What the program left running ends with it, not with the container.
kill -s KILL -- -1

# Sets `value` to the first line of the first file that there is. Nothing here forks: there may be no process to have.
first() {
  for file; do
    read -r value <"$file" && return
  done
  value=-
}
# Sets `value` to what stands behind a word at the start of a line.
field() {
  word=$1
  shift
  for file; do
    while read -r name value; do
      [ "$name" = "$word" ] && return
    done <"$file"
  done
  value=-
}
group=/sys/fs/cgroup
first $group/cpuacct/cpuacct.usage $group/cpu,cpuacct/cpuacct.usage
report="$status $value"
field usage_usec $group/cpu.stat
report="$report $value"
first /proc/1/stat
set -- $value - - - - - - - - - - - - - - - - -
report="$report ${16} ${17}"
first $group/memory.peak $group/memory/memory.max_usage_in_bytes
report="$report $value"
field oom_kill $group/memory.events $group/memory/memory.oom_control
printf '\001%s %s %s\n' "$mark" "$report" "$value"
printf '\001%s' "$mark" >&3
# How a killed program came to its end the engine is asked at once.
[ -z "$linger" ] || [ "$status" = 137 ] || exec sleep "$linger"
exit "$status"
