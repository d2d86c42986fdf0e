//! What an API server counts of itself.

use airside_ports::{ClusterFeed, Sample};

use crate::api_server::{ApiServer, failure};

#[tokio::test]
async fn what_is_asked_for_is_read_and_a_refusal_says_what_to_allow() {
    let server = ApiServer::serving(&[]).await;
    let text = "# TYPE lost counter\nlost{plugin=\"webhook\"} 4\nlostness 1\nother 2\n";
    server.answer_text("/metrics", text);
    let read = server.cluster().metrics(&["lost", "absent"]).await.unwrap();
    let labels = "{plugin=\"webhook\"}".to_owned();
    assert_eq!(read, [Sample { name: "lost".to_owned(), labels, value: 4.0 }]);

    server.answer_instead("/metrics", 403, failure(403, "you may not"));
    let refused = server.cluster().metrics(&["lost"]).await.unwrap_err().to_string();
    assert!(refused.contains("you may not") && refused.contains("`/metrics`"), "{refused}");
}
