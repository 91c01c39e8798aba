//! The Unix socket: who may bind it, who may connect to it, and who removes it.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{UnixListener, UnixStream, unix};
use tracing::warn;

use super::Error;

/// Pause after a failed `accept`: it fails for want of descriptors or memory, which come back with time.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// A bound socket that only root and our own user may use. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    own_uid: u32,
}

impl Socket {
    /// Binds `path`, in the place of a socket that a dead process left behind.
    ///
    /// Must be called within a Tokio runtime.
    pub fn bind(path: &Path) -> Result<Self, Error> {
        clear(path)?;
        let failed = |source| Error::Socket {
            path: path.to_owned(),
            source,
        };
        if let Some(directory) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            DirBuilder::new()
                .recursive(true)
                .mode(0o750)
                .create(directory)
                .map_err(failed)?;
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        // Made before anything can fail, so that the file goes whenever this does.
        let mut socket = Self {
            listener,
            path: path.to_owned(),
            own_uid: 0,
        };
        // Whoever connects before the mode is narrowed is still stopped by `admits`.
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
        // The file's owner is the user we run as: the standard library has no other way to ask.
        socket.own_uid = fs::metadata(path).map_err(failed)?.uid();
        Ok(socket)
    }

    /// Root and our own user may; the mode of the file says so already, unless somebody widened it.
    fn admits(&self, stream: &UnixStream) -> bool {
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == 0 || peer.uid() == self.own_uid => true,
            Ok(peer) => {
                warn!(uid = peer.uid(), "refused a connection to the admin socket");
                false
            }
            Err(error) => {
                warn!(%error, "refused a connection to the admin socket: the peer is unknown");
                false
            }
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// The user; `None` when the system does not say.
    pub uid: Option<u32>,
}

impl Connected<IncomingStream<'_, Socket>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Socket>) -> Self {
        let peer = stream.io().peer_cred();
        Self {
            uid: peer.ok().map(|peer| peer.uid()),
        }
    }
}

/// Makes way for a new socket: removes a stale one, leaves everything else.
fn clear(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Socket {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(Error::NotASocket {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    match BlockingUnixStream::connect(path) {
        Ok(_) => Err(Error::AlreadyRunning {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

impl axum::serve::Listener for Socket {
    type Io = UnixStream;
    type Addr = unix::SocketAddr;

    async fn accept(&mut self) -> (UnixStream, unix::SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) if self.admits(&stream) => return (stream, address),
                Ok(_) => {}
                Err(error) => {
                    warn!(%error, "the admin socket cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<unix::SocketAddr> {
        self.listener.local_addr()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            warn!(path = %self.path.display(), %error, "cannot remove the admin socket");
        }
    }
}
