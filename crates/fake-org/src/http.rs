//! HTTP around an org: latency, resets, cut bodies, gzip.

use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::faults::Fault;
use crate::message::{Request, Response};
use crate::org::Org;

/// A running server; it stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    /// Such as `http://127.0.0.1:40123`.
    pub url: String,
    accepting: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves the org on a listener until the returned [`Server`] is dropped.
///
/// # Panics
/// When the listener has no local address, which a bound one always has.
pub async fn serve(org: Arc<Mutex<Org>>, listener: TcpListener) -> Server {
    let address: SocketAddr = listener
        .local_addr()
        .expect("a bound listener has an address");
    let accepting = tokio::spawn(accept(org, listener)).abort_handle();
    Server {
        url: format!("http://{address}"),
        accepting,
    }
}

async fn accept(org: Arc<Mutex<Org>>, listener: TcpListener) {
    // Dropping the set ends every connection, so that nothing outlives the server.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(connection(Arc::clone(&org), stream))),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(org: Arc<Mutex<Org>>, stream: TcpStream) {
    // Small answers must not wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let reset = AtomicBool::new(false);
    let service = service_fn(|request| exchange(Arc::clone(&org), request, &reset));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if (&mut connection).await.is_err() && reset.load(Ordering::Relaxed) {
        // A lingering time of zero turns the closing into a reset.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

/// Ends a connection before its answer is complete.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection broken on purpose")
    }
}

impl std::error::Error for Broken {}

async fn exchange(
    org: Arc<Mutex<Org>>,
    request: hyper::Request<Incoming>,
    reset: &AtomicBool,
) -> Result<hyper::Response<Payload>, Broken> {
    let compress = accepts_gzip(&request);
    let request = received(request).await.map_err(|_| Broken)?;
    let _under_way = UnderWay::begin(Arc::clone(&org));
    let (response, latency_ms) = {
        let mut org = lock(&org);
        (org.answer(&request), org.options.latency_ms)
    };
    let stall_ms = if let Some(Fault::Stall(ms)) = response.fault {
        ms
    } else {
        0
    };
    if latency_ms + stall_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms + stall_ms)).await;
    }
    match response.fault {
        Some(Fault::Reset) => {
            reset.store(true, Ordering::Relaxed);
            Err(Broken)
        }
        _ => Ok(sent(response, compress)),
    }
}

fn lock(org: &Mutex<Org>) -> MutexGuard<'_, Org> {
    org.lock().unwrap_or_else(PoisonError::into_inner)
}

struct UnderWay(Arc<Mutex<Org>>);

impl UnderWay {
    fn begin(org: Arc<Mutex<Org>>) -> Self {
        lock(&org).enter();
        Self(org)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        lock(&self.0).leave();
    }
}

fn accepts_gzip(request: &hyper::Request<Incoming>) -> bool {
    let encodings = request.headers().get_all("accept-encoding");
    encodings
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.contains("gzip")))
}

async fn received(request: hyper::Request<Incoming>) -> Result<Request, hyper::Error> {
    let (head, body) = request.into_parts();
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.collect().await?.to_bytes().to_vec(),
    })
}

fn sent(response: Response, compress: bool) -> hyper::Response<Payload> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    let mut body = response.body;
    if compress && !body.is_empty() {
        builder = builder.header("Content-Encoding", "gzip");
        body = gzip(&body);
    }
    let length = body.len() as u64;
    if response.fault == Some(Fault::Truncate) {
        body.truncate(body.len() / 2);
    }
    builder = builder.header("Content-Length", length);
    let ending = if response.fault == Some(Fault::Truncate) {
        Ending::Cut
    } else {
        Ending::Whole
    };
    let payload = Payload {
        data: Some(body.into()),
        ending,
        length,
    };
    builder
        .body(payload)
        .unwrap_or_else(|_| hyper::Response::new(Payload::default()))
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("writing into memory cannot fail")
}

/// A body that may end before its announced length.
#[derive(Debug, Default)]
struct Payload {
    data: Option<Bytes>,
    ending: Ending,
    length: u64,
}

/// The bytes behind the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ending {
    #[default]
    Whole,
    /// The data has to be on its way before the connection breaks.
    Cut,
    Broken,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match (self.data.take(), self.ending) {
            (Some(data), _) => Poll::Ready(Some(Ok(Frame::data(data)))),
            (None, Ending::Whole) => Poll::Ready(None),
            (None, Ending::Broken) => Poll::Ready(Some(Err(Broken))),
            (None, Ending::Cut) => {
                // Pending makes hyper flush what it has.
                self.ending = Ending::Broken;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.ending == Ending::Whole
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
