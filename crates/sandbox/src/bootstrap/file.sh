# Waits for one program on standard input, writes it to the file `$1` and runs the rest of `$@`, with the program's
# arguments behind it; what is left of standard input is the program's.
file=$1
shift
read -r lengths || exit 0
# Exactly so many bytes: some versions of `head` read more than they were told.
take() {
  if [ "$1" -gt 0 ]; then dd bs="$1" count=1 iflag=fullblock 2>/dev/null; fi
}
position=0
for length in $lengths; do
  position=$((position + 1))
  case $position in
    2) take "$length" >"$file" ;;
    [134]) take "$length" >/dev/null ;;
    *)
      # The last character keeps line breaks that the substitution would take off.
      part=$(take "$length"; printf x)
      part=${part%x}
      if [ $position = 5 ]; then
        cd -- "$part" 2>/dev/null || cd /workspace
      else
        set -- "$@" "$part"
      fi
      ;;
  esac
done
printf '\006'
exec "$@"
