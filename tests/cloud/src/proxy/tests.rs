//! The proxy in front of a small server that says what it was asked.

#![allow(clippy::unwrap_used)]

use super::*;

/// Answers every request with its body, and notes the requests.
async fn engine() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let noted = Arc::clone(&noted);
            tokio::spawn(async move {
                let answer = service_fn(|request: Request<Incoming>| async {
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    lock(&noted).push(String::from_utf8_lossy(&body).into_owned());
                    let text = r#"{"ConsumedCapacity": {"CapacityUnits": 2.0}}"#;
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
                });
                let stream = TokioIo::new(stream);
                let _ = http1::Builder::new().serve_connection(stream, answer).await;
            });
        }
    });
    (address, seen)
}

async fn ask(door: &str, service: &str, target: &str, body: &str) -> http::Answer {
    let authority = http::authority(door).unwrap();
    let signature = format!("AWS4-HMAC-SHA256 Credential=id/20260101/r/{service}/aws4_request");
    let headers = [
        ("host", authority.as_str()),
        ("authorization", signature.as_str()),
        ("x-amz-target", target),
    ];
    let request = http::request("POST", "/", &headers, body.to_owned());
    http::send(&authority, request).await.unwrap()
}

#[tokio::test]
async fn each_function_is_counted_at_its_own_door() {
    let (address, seen) = engine().await;
    let proxy = Proxy::new(&address).unwrap();
    let (step, start) = (
        proxy.door("step").await.unwrap(),
        proxy.door("start").await.unwrap(),
    );
    ask(&step, "dynamodb", "DynamoDB_20120810.PutItem", "{}").await;
    ask(&step, "dynamodb", "DynamoDB_20120810.Query", "{}").await;
    ask(&start, "sqs", "AmazonSQS.SendMessage", "{}").await;
    let counts = proxy.counts("step");
    assert_eq!((counts.writes(), counts.reads()), (1, 1));
    assert_eq!((counts.write_units, counts.read_units), (2.0, 2.0));
    assert_eq!(proxy.counts("start").sqs_requests, 1);
    let asked = lock(&seen).first().cloned().unwrap();
    assert_eq!(asked, r#"{"ReturnConsumedCapacity":"TOTAL"}"#);
}

#[tokio::test]
async fn dynamodb_refuses_one_function_or_all() {
    let (address, seen) = engine().await;
    let proxy = Proxy::new(&address).unwrap();
    let (step, start) = (
        proxy.door("step").await.unwrap(),
        proxy.door("start").await.unwrap(),
    );
    let put = "DynamoDB_20120810.PutItem";
    for (who, answers) in [("step", [400, 200]), ("*", [400, 400])] {
        proxy.make(Mischief {
            dynamodb_refuses: Some(who.to_owned()),
            ..Mischief::default()
        });
        let both = [
            ask(&step, "dynamodb", put, "{}").await.status,
            ask(&start, "dynamodb", put, "{}").await.status,
        ];
        assert_eq!(both, answers);
    }
    assert_eq!(lock(&seen).len(), 1);
    assert_eq!(proxy.done(), (3, 0));
    assert_eq!(proxy.counts("step"), Counts::default());
}

#[tokio::test]
async fn messages_are_sent_twice_and_counted_once() {
    let (address, seen) = engine().await;
    let proxy = Proxy::new(&address).unwrap();
    let step = proxy.door("step").await.unwrap();
    proxy.make(Mischief {
        messages_twice: true,
        ..Mischief::default()
    });
    ask(&step, "sqs", "AmazonSQS.SendMessage", "a").await;
    ask(&step, "sqs", "AmazonSQS.DeleteMessage", "b").await;
    assert_eq!(*lock(&seen), ["a", "a", "b"]);
    assert_eq!(proxy.counts("step").sqs_requests, 2);
}

#[test]
fn a_schedule_that_fires_once_is_told_when() {
    let call = Call {
        service: "scheduler".to_owned(),
        operation: "CreateSchedule".to_owned(),
    };
    let asked = json!({
        "ScheduleExpression": "at(2027-01-31T09:00:00)",
        "Target": {"Input": format!("{{\"at\":\"{SCHEDULED_TIME}\"}}")},
    });
    let sent = prepared(&call, Bytes::from(asked.to_string()));
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(sent["Target"]["Input"], r#"{"at":"2027-01-31T09:00:00Z"}"#);
    let other =
        json!({"ScheduleExpression": "rate(1 minute)", "Target": {"Input": SCHEDULED_TIME}});
    let sent = prepared(&call, Bytes::from(other.to_string()));
    assert_eq!(serde_json::from_slice::<Value>(&sent).unwrap(), other);
}
