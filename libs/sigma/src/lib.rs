//! Sigma rules of people's own, over Kubernetes audit events.
//!
//! Reads detection and correlation rules, says what is wrong with them by file and line, and asks those
//! that an event can meet. Folders and the API that they come from are the services'.
