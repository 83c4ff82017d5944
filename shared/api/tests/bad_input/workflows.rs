//! Saves and removals of workflows.

use crate::is;
use crate::support::{Ask, HERE, THERE, World, documents};
use serde_json::json;

#[tokio::test]
async fn of_two_saves_with_one_etag_the_first_stands() {
    let world = World::new();
    let named = |name: &str| {
        let mut document = documents::asks("shared");
        document["name"] = json!(name);
        document
    };
    let etag = world.store(&named("first")).await;
    let (mine, theirs) = (named("mine"), named("theirs"));
    let saves = [Ask::replace(&mine, &etag), Ask::replace(&theirs, &etag)];
    let (one, other) = tokio::join!(world.tell(&saves[0]), world.tell(&saves[1]));
    let (won, lost) = if one.status == 200 {
        (one, other)
    } else {
        (other, one)
    };
    is(&lost, 412, "LAT-A032");
    assert_eq!(won.status, 200, "{won:?}");
    assert_eq!(
        lost.header("etag"),
        won.header("etag"),
        "the loser learns what stands there"
    );
    let stands = world.tell(&Ask::get("/v1/workflows/shared")).await;
    assert_eq!(stands.header("etag"), won.header("etag"));
    assert_eq!(
        stands.json()["document"]["name"],
        won.json()["workflow"]["name"]
    );
    let versions = world
        .tell(&Ask::get("/v1/workflows/shared/versions"))
        .await
        .json();
    assert_eq!(versions["versions"].as_array().unwrap().len(), 2);
    // The older one can still be read, and the loser can save over what stands.
    let old = versions["versions"][1]["version"].as_str().unwrap();
    let old = Ask::get("/v1/workflows/shared").query("version", old);
    assert_eq!(world.tell(&old).await.json()["document"]["name"], "first");
    let again = Ask::replace(&named("both"), lost.header("etag"));
    assert_eq!(world.tell(&again).await.status, 200);
}

#[tokio::test]
async fn blind_and_contradictory_saves_are_refused() {
    let world = World::new();
    let document = documents::asks("kept");
    let etag = world.store(&document).await;
    let other = format!("\"{}\"", "0".repeat(64));
    let new = documents::asks("new");
    let mut elsewhere = Ask::create(&documents::asks("here"));
    elsewhere.path = "/v1/workflows/there".to_owned();
    let delete = Ask::new("DELETE", "/v1/workflows/kept");
    let both = Ask::create(&document).header("if-match", &etag);
    for (name, ask, status, code) in [
        ("blind", Ask::put(&document), 428, "LAT-A031"),
        ("blind removal", delete.clone(), 428, "LAT-A031"),
        ("made twice", Ask::create(&document), 412, "LAT-A032"),
        (
            "replaced before it is made",
            Ask::replace(&new, &etag),
            412,
            "LAT-A032",
        ),
        ("any of none", Ask::replace(&new, "*"), 412, "LAT-A032"),
        (
            "of another revision",
            Ask::replace(&document, &other),
            412,
            "LAT-A032",
        ),
        (
            "removal of another",
            delete.clone().header("if-match", &other),
            412,
            "LAT-A032",
        ),
        ("both at once", both, 412, "LAT-A032"),
        (
            "not that",
            Ask::put(&document).header("if-none-match", &etag),
            400,
            "LAT-A007",
        ),
        (
            "no ETag",
            Ask::replace(&document, &etag[1..]),
            400,
            "LAT-A007",
        ),
        ("under another id", elsewhere, 422, "LAT-A033"),
    ] {
        println!("{name}");
        is(&world.tell(&ask).await, status, code);
    }
    let listed = world.tell(&Ask::get("/v1/workflows")).await.json();
    assert_eq!(listed["workflows"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["workflows"][0]["version"], etag.trim_matches('"'));
    // Whoever says that any revision will do is taken at their word.
    let saved = world.tell(&Ask::replace(&document, "*")).await;
    assert_eq!((saved.status, saved.header("etag")), (200, etag.as_str()));
    assert_eq!(
        world.tell(&delete.header("if-match", "*")).await.status,
        204
    );
}

#[tokio::test]
async fn a_document_with_errors_is_not_stored_and_every_error_is_told() {
    let world = World::new();
    let refused = world.tell(&Ask::create(&documents::broken("broken"))).await;
    is(&refused, 422, "LAT-A030");
    let problem = refused.json();
    let problems = problem["problems"].as_array().unwrap();
    assert!(
        problems
            .iter()
            .any(|problem| problem["severity"] == "error"),
        "{problem}"
    );
    is(
        &world.tell(&Ask::get("/v1/workflows/broken")).await,
        404,
        "LAT-A023",
    );
    let compiled = world
        .tell(&Ask::post("/v1/compile", &documents::broken("broken")))
        .await;
    assert_eq!(
        (compiled.status, &compiled.json()["ok"]),
        (200, &json!(false))
    );
    assert_eq!(&compiled.json()["problems"], &problem["problems"]);
}

#[tokio::test]
async fn a_workflow_that_is_removed_is_gone_and_its_runs_go_on() {
    let world = World::new();
    let etag = world.store(&documents::asks("gone")).await;
    let run = world.start("gone").await;
    let delete = Ask::new("DELETE", "/v1/workflows/gone").header("if-match", &etag);
    is(
        &world.tell(&delete.clone().of(THERE)).await,
        404,
        "LAT-A023",
    );
    assert_eq!(world.tell(&delete).await.status, 204);
    is(&world.tell(&delete).await, 404, "LAT-A023");
    for path in ["/v1/workflows/gone", "/v1/workflows/gone/versions"] {
        is(&world.tell(&Ask::get(path).of(HERE)).await, 404, "LAT-A023");
    }
    let body = json!({ "workflowId": "gone", "input": documents::input() });
    is(
        &world.tell(&Ask::post("/v1/runs", &body)).await,
        404,
        "LAT-A023",
    );
    world.answer(&run).await;
    let shown = world
        .tell(&Ask::get(&format!("/v1/runs/{run}")))
        .await
        .json();
    assert_eq!(shown["status"], "completed");
    assert_eq!(
        world.store(&documents::asks("gone")).await,
        etag,
        "it may come back"
    );
}
