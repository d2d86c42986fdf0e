//! The kubelet's own server, of which the API server asks for exec sessions.
//!
//! Owns letting them in. Nothing runs in them.

use airside_service::tls::Identity;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::KUBELET;
use crate::cluster::Cluster;

/// The largest head of a request that is read.
const MAX_HEAD: usize = 64 << 10;

/// Starts the server. Returns its port, and the task that ends it when dropped.
pub(super) async fn serve(cluster: &Cluster) -> (u16, JoinSet<()>) {
    let folder = cluster.folder().join("kubelet-tls");
    let identity = Identity::own(&folder, &[KUBELET.address.to_string()]).unwrap();
    let acceptor = TlsAcceptor::from(identity.server().unwrap());
    let listener = TcpListener::bind((KUBELET.address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut sessions = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while sessions.try_join_next().is_some() {}
            sessions.spawn(serve_stream(acceptor.clone(), stream));
        }
    });
    (port, server)
}

/// Lets a session in and holds it until the other side goes away. What is typed in it does not matter.
async fn serve_stream(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    // Kubelets of 1.20 do not speak what today's kubectl asks for first; then it asks for SPDY.
    if !head.contains("upgrade: spdy/3.1") {
        let refusal = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        drop(stream.write_all(refusal).await);
        drop(stream.shutdown().await);
        return;
    }
    let welcome = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
        Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n";
    drop(stream.write_all(welcome).await);
    drop(copy(&mut stream, &mut sink()).await);
}
