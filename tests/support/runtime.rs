//! Lambda on this machine: the Runtime API, and the built function as its client.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_org::{Request, Response};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::http::{self, Endpoint};
use super::moto;

/// What a function answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Report(Value),
    Error(Value),
    InitError(Value),
}

/// The program of the package whose rules these are.
const PROGRAM: &str = match (
    option_env!("CARGO_BIN_EXE_okta-authomize"),
    option_env!("CARGO_BIN_EXE_okta-authomize-loader"),
) {
    (Some(program), _) | (None, Some(program)) => program,
    (None, None) => panic!("the package has no such program"),
};
const LONGEST_WAIT: Duration = Duration::from_secs(90);

/// A started function and the Lambda service that it talks to; both end when this is dropped.
pub struct Lambda {
    function: Child,
    log: Arc<Mutex<Vec<u8>>>,
    events: mpsc::UnboundedSender<(Value, i64)>,
    answers: mpsc::UnboundedReceiver<Answer>,
    _service: Endpoint,
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let _ = self.function.kill();
        let _ = self.function.wait();
    }
}

impl Lambda {
    /// Starts the function with nothing in its environment but what Lambda, moto and `settings` put there.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let waiting = Arc::new(AsyncMutex::new(waiting));
        let service = http::serve(move |request: Request| {
            serve(request, Arc::clone(&waiting), answered.clone())
        })
        .await;
        let mut command = Command::new(PROGRAM);
        command.env_clear().env(
            "AWS_LAMBDA_RUNTIME_API",
            service.url.trim_start_matches("http://"),
        );
        for name in [
            "FUNCTION_NAME",
            "FUNCTION_VERSION",
            "LOG_GROUP_NAME",
            "LOG_STREAM_NAME",
        ] {
            command.env(format!("AWS_LAMBDA_{name}"), "okta-authomize");
        }
        command
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .envs(moto::environment())
            .envs(settings.iter().copied());
        let mut function = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        keep(function.stdout.take().unwrap(), &log);
        keep(function.stderr.take().unwrap(), &log);
        Self {
            function,
            log,
            events,
            answers,
            _service: service,
        }
    }

    /// Invokes the function, which has until `deadline`.
    pub async fn invoke_until(&mut self, event: Value, deadline: Timestamp) -> Answer {
        self.events
            .send((event, deadline.as_millisecond()))
            .unwrap();
        self.answer().await
    }

    pub async fn invoke(&mut self, event: Value) -> Answer {
        self.invoke_until(
            event,
            Timestamp::now() + jiff::SignedDuration::from_secs(60),
        )
        .await
    }

    /// The next thing that the function says.
    pub async fn answer(&mut self) -> Answer {
        let answer = tokio::time::timeout(LONGEST_WAIT, self.answers.recv()).await;
        answer
            .unwrap_or_else(|_| panic!("the function says nothing; its log:\n{}", self.log()))
            .unwrap()
    }

    /// How the function ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let began = std::time::Instant::now();
        while began.elapsed() < LONGEST_WAIT {
            if let Some(status) = self.function.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the function does not end; its log:\n{}", self.log())
    }

    /// Everything that it has printed.
    /// Most memory that it has had at once, in MiB; `None` where the system does not tell.
    pub fn peak_mib(&self) -> Option<u64> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.function.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib / 1_024)
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }
}

fn keep(mut printed: impl Read + Send + 'static, log: &Arc<Mutex<Vec<u8>>>) {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = printed.read(&mut part) {
            log.lock().unwrap().extend_from_slice(&part[..length]);
        }
    });
}

async fn serve(
    request: Request,
    waiting: Arc<AsyncMutex<mpsc::UnboundedReceiver<(Value, i64)>>>,
    answered: mpsc::UnboundedSender<Answer>,
) -> Response {
    let place = request
        .path
        .strip_prefix("/2018-06-01/runtime/")
        .unwrap_or_default();
    if place == "invocation/next" {
        // A function that is dropped leaves this unanswered.
        let Some((event, deadline_ms)) = waiting.lock().await.recv().await else {
            std::future::pending().await
        };
        return invocation(&event, deadline_ms);
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let answer = match place.rsplit('/').next() {
        Some("response") => Answer::Report(body),
        Some("error") if place == "init/error" => Answer::InitError(body),
        Some("error") => Answer::Error(body),
        _ => {
            return Response {
                status: 404,
                ..Response::default()
            };
        }
    };
    let _ = answered.send(answer);
    Response {
        status: 202,
        body: br#"{"status":"OK"}"#.to_vec(),
        ..Response::default()
    }
}

fn invocation(event: &Value, deadline_ms: i64) -> Response {
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:okta-authomize";
    let headers = [
        ("Content-Type", "application/json".to_owned()),
        (
            "Lambda-Runtime-Aws-Request-Id",
            uuid::Uuid::new_v4().to_string(),
        ),
        ("Lambda-Runtime-Deadline-Ms", deadline_ms.to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", arn.to_owned()),
        (
            "Lambda-Runtime-Trace-Id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned(),
        ),
    ];
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
    Response {
        status: 200,
        headers,
        body: event.to_string().into_bytes(),
        fault: None,
    }
}
