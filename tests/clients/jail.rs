//! A root of its own for clients that would otherwise be installed on the machine.
//!
//! `tests/clients/fetch` has unpacked the programs; `jail.sh` mounts them read-only, with fresh copies of /etc and /var,
//! in a mount and a process namespace that end with the test. The network is the machine's, so the daemon on loopback
//! is in reach.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::client::{Answer, Client};
use crate::world::{HOST, World};

/// How long a client may take to come up on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where Debian's clients look for the authorities they trust.
pub const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A root in which programs run that know nothing of the machine's; all of them are killed when it is dropped.
pub struct Jail {
    /// `unshare`, whose child is the first process of the namespaces: with it all of them end.
    _holder: Child,
    /// The holder's directory in /proc, which leads into its namespaces.
    namespace: PathBuf,
    services: Vec<Child>,
    directory: TempDir,
}

impl Jail {
    /// A root that knows the world's authority, and its server as [`HOST`]. Panics when it cannot be built.
    pub async fn open(world: &World) -> Self {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/root");
        assert!(
            base.exists(),
            "{base:?} is missing: run tests/clients/fetch"
        );
        let directory = TempDir::with_prefix("ldap365-jail-").expect("a temporary directory");
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .args(["--pid", "--fork", "--kill-child"])
            .args(["sh", "-c", include_str!("jail.sh"), "jail"])
            .args([&base, directory.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("unshare is part of every Linux system");
        let output = holder.stdout.take().expect("standard output is piped");
        let ready = BufReader::new(output).lines().next_line().await;
        assert_eq!(
            ready.expect("a line").as_deref(),
            Some("ready"),
            "clients run in mount namespaces, which take root: run tests/run as root"
        );
        let namespace = PathBuf::from(format!("/proc/{}", holder.id().expect("it runs")));
        let jail = Self {
            _holder: holder,
            namespace,
            services: Vec::new(),
            directory,
        };
        let authority = fs::read_to_string(&world.certificates.ca).expect("the authority");
        jail.write(AUTHORITIES, &authority);
        jail.write("/etc/hosts", &format!("127.0.0.1 localhost {HOST}\n"));
        jail
    }

    /// Writes a file that everybody may read, and the directories to it.
    pub fn write(&self, place: &str, text: &str) {
        let path = self.path(place);
        let parent = path.parent().expect("places are files");
        fs::create_dir_all(parent).unwrap_or_else(|error| panic!("{parent:?}: {error}"));
        fs::write(&path, text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        self.permit(place, 0o644);
    }

    /// Sets the mode of a file.
    pub fn permit(&self, place: &str, mode: u32) {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.path(place), permissions).expect("the file has been written");
    }

    /// What is in a file; empty when there is none.
    pub fn read(&self, place: &str) -> String {
        let bytes = fs::read(self.path(place)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Runs a program to its end.
    pub async fn run(&self, words: &[&str]) -> Answer {
        self.client(words).run().await
    }

    /// A program in the jail, as root.
    pub fn client(&self, words: &[&str]) -> Client {
        let of = |what: &str| self.namespace.join(what).display().to_string();
        let root = self.path("/").display().to_string();
        let (mount, process) = (of("ns/mnt"), of("ns/pid_for_children"));
        Client::new("nsenter", Path::new("/"))
            .variable("PATH", "/usr/sbin:/usr/bin")
            .variable("LANG", "C.UTF-8")
            .arguments(&[&format!("--mount={mount}"), &format!("--pid={process}")])
            .arguments(&[&format!("--root={root}"), &format!("--wd={root}")])
            .arguments(&["--"])
            .arguments(words)
    }

    /// Starts a program that goes on until the jail is dropped; returns the file it writes to.
    pub fn start(&mut self, words: &[&str]) -> String {
        let log = format!("/run/{}.output", self.services.len());
        self.write(&log, "");
        let process = self.client(words).start(&self.path(&log));
        self.services.push(process);
        log
    }

    /// Runs a program again and again until it succeeds. Panics when it does not in time, with what the programs
    /// have written that were started.
    pub async fn eventually(&self, words: &[&str]) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.run(words).await;
            if answer.code == 0 {
                return answer;
            }
            if Instant::now() > deadline {
                let logs = (0..self.services.len()).map(|n| self.read(&format!("/run/{n}.output")));
                panic!("{words:?}: {answer:?}\n{}", logs.collect::<String>());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whether the PAM service `door`, which asks `module` and nothing else, lets somebody in.
    pub async fn knock(&self, module: &str, user: &str, password: &str) -> Answer {
        let door = format!("auth required {module}\naccount required {module}\n");
        self.write("/etc/pam.d/door", &door);
        let tester = r#"printf %s "$2" | pamtester door "$1" authenticate acct_mgmt"#;
        self.run(&["sh", "-c", tester, "knock", user, password])
            .await
    }

    /// A place of the jail, as this process gets there.
    fn path(&self, place: &str) -> PathBuf {
        let root = self.directory.path().join("root");
        let root = root
            .strip_prefix("/")
            .expect("temporary directories are absolute");
        let place = place.trim_start_matches('/');
        self.namespace.join("root").join(root).join(place)
    }
}

/// A port of loopback that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has ports");
    listener.local_addr().expect("it is bound").port()
}
