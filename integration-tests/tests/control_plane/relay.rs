//! A source address for who cannot choose one, such as kubectl: audit events tell callers apart by it.
//!
//! Owns passing bytes on, and looks at none.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// Passes connections on to a server from an address of its own. Ends with its handle.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Relay {
    /// Starts to listen on a port of 127.0.0.1.
    pub(crate) async fn start(from: Ipv4Addr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                connections.spawn(pass_on(near, from, to));
            }
        });
        Self { address, _task: task }
    }

    /// Where to connect instead of to the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn pass_on(mut near: TcpStream, from: Ipv4Addr, to: SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    // When either side goes away, so does the other.
    if let Ok(mut far) = socket.connect(to).await {
        drop(copy_bidirectional(&mut near, &mut far).await);
    }
}
