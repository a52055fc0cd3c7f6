//! A Unix socket that only its owner (and a group, where asked for) can reach.
//!
//! The socket stands in a fresh directory with closed permissions, because a socket's own permissions do not
//! count on every system. Both are removed when the [`Socket`] is dropped.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, Permissions};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};
use tracing::debug;

/// Where systems list their groups.
const GROUP_FILE: &str = "/etc/group";

/// A listening socket in a directory of its own.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    // Last field: removed after the listener is closed.
    _directory: OwnDirectory,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Its directory could not be made.
    #[error("a directory for the plugin's socket cannot be made in {}", parent.display())]
    Directory {
        /// Where.
        parent: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The socket itself could not be made.
    #[error("the plugin's socket {} cannot be made (systems limit such a path to about 100 bytes)", path.display())]
    Bind {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `PLUGIN_UNIX_SOCKET_GROUP` names no group.
    #[error(
        "PLUGIN_UNIX_SOCKET_GROUP is {0:?}, which is neither a number nor a group in {GROUP_FILE}"
    )]
    UnknownGroup(String),
    /// The socket could not be given to the group.
    #[error("the plugin's socket cannot be given to the group {group}")]
    Group {
        /// The group.
        group: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Socket {
    /// Opens a socket below `parent`, by default the system's temporary directory.
    pub fn bind(parent: Option<&Path>, group: Option<&str>) -> Result<Self, SocketError> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        // The client may run in another directory.
        let parent = std::path::absolute(&parent).unwrap_or(parent);
        let directory = OwnDirectory::create(&parent)
            .map_err(|source| SocketError::Directory { parent, source })?;
        let path = directory.0.join("plugin.sock");
        let listener = UnixListener::bind(&path).map_err(|source| SocketError::Bind {
            path: path.clone(),
            source,
        })?;
        match group {
            Some(group) => share(&directory.0, &path, group)?,
            None => {
                fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(|source| {
                    let path = path.clone();
                    SocketError::Bind { path, source }
                })?
            }
        }
        Ok(Self {
            listener,
            path,
            _directory: directory,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next client.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

/// A directory that only we can enter, removed with all it holds when dropped.
#[derive(Debug)]
struct OwnDirectory(PathBuf);

impl OwnDirectory {
    fn create(parent: &Path) -> io::Result<Self> {
        // Creating fails if the name is there already, so nobody can have prepared it for us.
        let name = RandomState::new().build_hasher().finish();
        let path = parent.join(format!("tf-plugin-{name:016x}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            debug!(%error, directory = %self.0.display(), "the socket's directory could not be removed");
        }
    }
}

/// Lets a group through the directory to the socket.
fn share(directory: &Path, socket: &Path, group: &str) -> Result<(), SocketError> {
    let id = match group.parse::<u32>() {
        Ok(id) => id,
        Err(_) => fs::read_to_string(GROUP_FILE)
            .ok()
            .and_then(|groups| find_group(&groups, group))
            .ok_or_else(|| SocketError::UnknownGroup(group.to_owned()))?,
    };
    let shared = || {
        for (path, mode) in [(directory, 0o710), (socket, 0o660)] {
            chown(path, None, Some(id))?;
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        Ok(())
    };
    shared().map_err(|source| SocketError::Group {
        group: group.to_owned(),
        source,
    })
}

/// Looks a name up in the text of the system's list of groups.
fn find_group(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[tokio::test]
    async fn the_socket_is_closed_to_others_and_leaves_nothing_behind() {
        let parent = tempfile::tempdir().expect("a directory");
        let socket = Socket::bind(Some(parent.path()), None).expect("a socket");
        let directory = socket.path().parent().expect("a directory").to_owned();
        let mode = fs::metadata(&directory).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o700);
        let mode = fs::metadata(socket.path()).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(socket);
        assert_eq!(fs::read_dir(parent.path()).expect("readable").count(), 0);
    }

    #[tokio::test]
    async fn our_own_group_can_share_the_socket() {
        let parent = tempfile::tempdir().expect("a directory");
        let group = fs::metadata(parent.path()).expect("it is there").gid();
        let socket = Socket::bind(Some(parent.path()), Some(&group.to_string())).expect("a socket");
        let metadata = fs::metadata(socket.path()).expect("it is there");
        assert_eq!(metadata.gid(), group);
        assert_eq!(metadata.mode() & 0o777, 0o660);
        let directory = socket.path().parent().expect("a directory");
        let metadata = fs::metadata(directory).expect("it is there");
        assert_eq!(metadata.gid(), group);
        assert_eq!(metadata.mode() & 0o777, 0o710);
    }

    #[tokio::test]
    async fn an_unknown_group_is_named() {
        let parent = tempfile::tempdir().expect("a directory");
        let error = Socket::bind(Some(parent.path()), Some("no such group")).expect_err("unknown");
        assert!(error.to_string().contains("\"no such group\""), "{error}");
        assert_eq!(fs::read_dir(parent.path()).expect("readable").count(), 0);
    }

    #[tokio::test]
    async fn a_path_that_is_too_long_is_explained() {
        let parent = tempfile::tempdir().expect("a directory");
        let deep = parent.path().join("x".repeat(120));
        fs::create_dir(&deep).expect("a directory");
        let error = Socket::bind(Some(&deep), None).expect_err("too long");
        assert!(error.to_string().contains("100 bytes"), "{error}");
    }

    #[test]
    fn groups_are_found_by_whole_names() {
        let groups = "root:x:0:\nstaff:x:50:ann,bob\nbroken\nempty::\n";
        assert_eq!(find_group(groups, "staff"), Some(50));
        assert_eq!(find_group(groups, "sta"), None);
        assert_eq!(find_group(groups, "broken"), None);
        assert_eq!(find_group(groups, "empty"), None);
    }
}
