# Puts the modules of /packages in the place of /workspace/node_modules. It has no network.
set -eu
work=/workspace/.inline-install
rm -rf $work
mkdir $work
trap 'rm -rf $work' EXIT
cp -R /packages/node_modules $work/new
if [ -e /workspace/node_modules ] || [ -L /workspace/node_modules ]; then
  mv /workspace/node_modules $work/old
fi
mv $work/new /workspace/node_modules
