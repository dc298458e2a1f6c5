# Runs cells in one shell. A cell comes as a line `MARK BASE64`. When it is done, standard output gets a line with the mark
# and the cell's status, and standard error the mark.
# The cells' own input is empty, so that reading it cannot swallow the next cell.
exec {__inline_control}<&0 0</dev/null
cd -- "$1" 2>/dev/null || cd /workspace
shift
__inline_status=0
__inline_status() { return "$1"; }
# A function, so that `return` in the trap ends the cell and not the shell.
__inline_cell() {
  __inline_status "$__inline_status"
  eval "$1"
}
# A nested function returns first, and each of its callers before its next command.
set -o functrace
# An interrupt that is taken when a cell is over already is none of the next one's business.
__inline_busy=0
__inline_interrupt='((__inline_busy)) && trap "return 130 2>/dev/null" DEBUG && return 130 2>/dev/null'
trap "$__inline_interrupt" INT
while read -r -u "$__inline_control" __inline_mark __inline_source; do
  # A cell before may have set its own.
  trap "$__inline_interrupt" INT
  __inline_busy=1
  __inline_cell "$(printf %s "$__inline_source" | base64 -d)" {__inline_control}<&-
  __inline_status=$? __inline_busy=0
  trap - DEBUG
  printf '\001%s %d\n' "$__inline_mark" "$__inline_status"
  printf '\001%s' "$__inline_mark" >&2
done
