//! A small HTTP server: what arrives goes to a closure as the fake org's own type of request.

use std::future::Future;
use std::sync::Arc;

use fake_org::{Fault, Request, Response};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A running server; it stops when it is dropped.
pub struct Endpoint {
    /// Such as `http://127.0.0.1:40123`.
    pub url: String,
    accepting: AbortHandle,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

pub async fn serve<F, A>(answer: F) -> Endpoint
where
    F: Fn(Request) -> A + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    let accepting = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(converse(stream, Arc::clone(&answer)));
        }
    });
    Endpoint {
        url,
        accepting: accepting.abort_handle(),
    }
}

async fn converse<F, A>(stream: TcpStream, answer: Arc<F>)
where
    F: Fn(Request) -> A,
    A: Future<Output = Response>,
{
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let response = answer(request).await;
        if response.fault == Some(Fault::Reset) {
            return;
        }
        let mut text = format!(
            "HTTP/1.1 {} Answer\r\nContent-Length: {}\r\n",
            response.status,
            response.body.len()
        );
        response
            .headers
            .iter()
            .for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
        let bytes = [text.as_bytes(), b"\r\n", &response.body].concat();
        if stream.get_mut().write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let first = line(stream).await?;
    let mut words = first.split(' ');
    let mut request = Request::new(words.next()?, words.next()?);
    loop {
        let header = line(stream).await?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        request
            .headers
            .push((name.to_owned(), value.trim().to_owned()));
    }
    let length = request
        .header_value("content-length")
        .map_or(0, |length| length.parse().unwrap());
    assert_eq!(
        request.header_value("transfer-encoding"),
        None,
        "this server reads no chunks"
    );
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end().to_owned())
}
