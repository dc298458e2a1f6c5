# Runs cells in one shell. A cell comes as a line `MARK BASE64`; MARK is printed on both streams when it is done.
# The cells' own input is empty, so that reading it cannot swallow the next cell.
exec {__inline_control}<&0 0</dev/null
__inline_status=0
__inline_status() { return "$1"; }
# A function, so that `return` in the trap ends the cell and not the shell.
__inline_cell() {
  __inline_status "$__inline_status"
  eval "$1"
}
# A nested function returns first, and each of its callers before its next command.
set -o functrace
# Bash may run the trap once more when the cell is over already, which is then none of the next cell's business.
trap '((__inline_busy)) && trap "return 130 2>/dev/null" DEBUG && return 130' INT
__inline_busy=0
while read -r -u "$__inline_control" __inline_mark __inline_source; do
  __inline_busy=1
  __inline_cell "$(printf %s "$__inline_source" | base64 -d)" {__inline_control}<&-
  __inline_status=$? __inline_busy=0
  trap - DEBUG
  printf %s "$__inline_mark"
  printf %s "$__inline_mark" >&2
done
