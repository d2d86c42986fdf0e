//! A real nats-server with the configuration that `deploy/nats` ships.
//!
//! It listens on a port that the system chose, keeps its messages in a folder that goes with it, and is
//! killed when its handle is dropped. It can be stopped, killed and started again on the same port and folder.

mod binary;
mod process;

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use self::binary::{
    NATS_SERVER_PACKAGE, NATS_SERVER_VERSION, nats_server_binary, nats_server_folder,
};
use self::process::Process;

/// How many servers a cluster has.
const SERVERS: usize = 3;
/// How often a cluster is started anew when somebody else took one of the ports that were found free.
const CLUSTER_ATTEMPTS: usize = 5;

/// Why a server did not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum NatsServerError {
    /// There is no nats-server.
    #[error("{0}")]
    NoBinary(String),
    /// The system refused.
    #[error("did not {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server ended, or was not ready in time.
    #[error("nats-server {what}; it said last:\n{output}")]
    NotReady {
        /// What happened.
        what: &'static str,
        /// Its last lines.
        output: String,
    },
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> NatsServerError {
    move |source| NatsServerError::Io { action, source }
}

/// A nats-server with JetStream.
#[derive(Debug)]
pub struct NatsServer {
    binary: PathBuf,
    storage: TempDir,
    flags: Vec<String>,
    port: u16,
    process: Option<Process>,
}

impl NatsServer {
    /// Starts a server with `deploy/nats/server.conf` and waits until it is ready.
    pub fn start() -> Result<Self, NatsServerError> {
        Self::start_with(&[])
    }

    /// As [`Self::start`], with more flags, such as `--auth` and a token.
    pub fn start_with(flags: &[&str]) -> Result<Self, NatsServerError> {
        Self::start_config("server.conf", flags)
    }

    fn start_config(config: &str, flags: &[&str]) -> Result<Self, NatsServerError> {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nats").join(config);
        let mut all = vec!["--config".to_owned(), config.display().to_string()];
        all.extend(["--addr", "127.0.0.1", "--http_port", "-1"].map(str::to_owned));
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let mut server = Self {
            binary: nats_server_binary().map_err(NatsServerError::NoBinary)?,
            storage: tempfile::tempdir().map_err(failed("make a folder for nats-server"))?,
            flags: all,
            port: 0,
            process: None,
        };
        server.start_again()?;
        Ok(server)
    }

    /// Where clients connect, such as `nats://127.0.0.1:4222`. The same after a restart.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Stops the server as an operator does, and waits for its end.
    pub fn stop(&mut self) -> Result<(), NatsServerError> {
        match self.process.take() {
            Some(process) => process.stop(&self.binary),
            None => Ok(()),
        }
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts a server that was stopped or killed, on the same port and folder; a running one is left.
    pub fn start_again(&mut self) -> Result<(), NatsServerError> {
        if self.process.is_none() {
            // The first time, the system chooses the port: no other test can take it in between.
            let port = if self.port == 0 { "-1".to_owned() } else { self.port.to_string() };
            let mut flags = self.flags.clone();
            flags.extend(["--port".to_owned(), port]);
            let process = Process::start(&self.binary, &flags, self.storage.path())?;
            self.port = process.port();
            self.process = Some(process);
        }
        Ok(())
    }
}

/// Three servers with `deploy/nats/cluster.conf`, connected to each other.
#[derive(Debug)]
pub struct NatsCluster {
    servers: Vec<NatsServer>,
}

impl NatsCluster {
    /// Starts the servers and waits until each is ready. They elect their leader a moment later.
    pub fn start() -> Result<Self, NatsServerError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Self::try_start() {
                Err(NatsServerError::NotReady { .. }) if attempts < CLUSTER_ATTEMPTS => {}
                result => return result,
            }
        }
    }

    fn try_start() -> Result<Self, NatsServerError> {
        // Each server has to know the others' ports before they run, so these cannot be the system's choice
        // at start; they were free a moment ago.
        let free: Vec<TcpListener> = (0..SERVERS)
            .map(|_| TcpListener::bind("127.0.0.1:0"))
            .collect::<Result<_, _>>()
            .map_err(failed("find free ports"))?;
        let urls: Vec<String> = free
            .iter()
            .map(|listener| Ok(format!("nats://{}", listener.local_addr()?)))
            .collect::<Result<_, _>>()
            .map_err(failed("find free ports"))?;
        drop(free);
        let routes = urls.join(",");
        let mut servers = Vec::with_capacity(SERVERS);
        for (number, url) in urls.iter().enumerate() {
            let name = format!("nats-{number}");
            let flags = ["--name", &name, "--cluster", url, "--routes", &routes];
            servers.push(NatsServer::start_config("cluster.conf", &flags)?);
        }
        Ok(Self { servers })
    }

    /// Where clients connect, to each of the servers.
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(NatsServer::url).collect()
    }

    /// The servers, to stop, kill and start again.
    pub fn servers(&mut self) -> &mut [NatsServer] {
        &mut self.servers
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn answers(server: &NatsServer) -> bool {
        TcpStream::connect(server.url().trim_start_matches("nats://")).is_ok()
    }

    #[test]
    fn a_server_answers_until_it_is_stopped_and_again_at_the_same_place() {
        let mut server = NatsServer::start().unwrap();
        let url = server.url();
        assert!(answers(&server));
        server.stop().unwrap();
        assert!(!answers(&server));
        server.start_again().unwrap();
        assert!(answers(&server));
        server.kill();
        assert!(!answers(&server));
        server.start_again().unwrap();
        assert_eq!(server.url(), url);
        assert!(answers(&server));
    }

    #[test]
    fn a_server_that_cannot_start_says_why() {
        let error = NatsServer::start_with(&["--no-such-flag"]).unwrap_err().to_string();
        assert!(error.contains("no-such-flag"), "{error}");
    }
}
