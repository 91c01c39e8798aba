# Builds a jail: the root $1 below $2/root, read-only but for the directories below. Run by `unshare`, in a mount
# namespace of its own, which takes every mount with it; the jail lives as long as standard input stays open.
set -e
base=$1 jail=$2/root own=$2/own
mkdir "$jail" "$own"
mount -t tmpfs -o mode=755 jail "$own"
cp -a "$base/etc" "$base/var" "$own"
mkdir "$own/run" "$own/dev" "$own/home" "$own/root"
mkdir -m 1777 "$own/tmp" "$own/dev/shm"
mount --bind "$base" "$jail"
mount -o remount,bind,ro "$jail"
for directory in etc var run dev home root tmp; do
    mount --bind "$own/$directory" "$jail/$directory"
done
if [ -e /dev/net/tun ]; then
    mkdir "$own/dev/net"
    : >"$own/dev/net/tun"
    mount --bind /dev/net/tun "$jail/dev/net/tun"
fi
mount -t proc proc "$jail/proc"
for device in null zero full random urandom; do
    : >"$own/dev/$device"
    mount --bind "/dev/$device" "$jail/dev/$device"
done
echo ready
exec chroot "$jail" cat
