//! What is tried out and changes nothing. Ways around these rules that somebody has tried, with the rules that tell them now,
//! are examples (`libs/detect/examples/ways_around.jsonl`).

use super::detections;

#[test]
fn what_is_really_only_tried_out_is_not_told() {
    for event in [
        r#""verb":"create","requestURI":"/x?dryRun=All","objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"m"}]}"#,
        r#""verb":"delete","level":"Request","requestURI":"/x?dryRun=All","objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"}"#,
        r#""verb":"delete","level":"Request","objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":{"kind":"DeleteOptions","dryRun":["All"]}"#,
    ] {
        let event =
            format!(r#"{{{event},"user":{{"username":"dana"}},"responseStatus":{{"code":200}}}}"#);
        assert_eq!(detections(&event), [], "{event}");
    }
}
