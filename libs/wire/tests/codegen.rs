//! Keeps the generated code equal to `proto/`, and the protocol documented.
//!
//! There is no build script and no `protoc`: protox parses the files, and what it generates is committed.
//! When `proto/` has changed, the first run writes the new code and fails; the second passes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

/// Oneof fields that are kept on the heap, so that an empty record in a hostile message costs no more
/// memory than a few pointers, and a record is small to move.
const BOXED: [&str; 14] = [
    ".airside.v1.Record.payload.finding",
    ".airside.v1.Record.payload.boarding_pass",
    ".airside.v1.Record.payload.decision",
    ".airside.v1.Record.payload.detection",
    ".airside.v1.Record.payload.fact",
    ".airside.v1.Record.payload.gap",
    ".airside.v1.IngestRecord.payload.finding",
    ".airside.v1.IngestRecord.payload.boarding_pass",
    ".airside.v1.IngestRecord.payload.decision",
    ".airside.v1.IngestRecord.payload.detection",
    ".airside.v1.IngestRecord.payload.fact",
    ".airside.v1.IngestRecord.payload.gap",
    ".airside.v1.IncidentEvent.event.revision",
    ".airside.v1.WatchIncidentsResponse.update.incident",
];

fn proto_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto")
}

fn generated_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen")
}

/// Every `.proto` file of the package, in the order of names.
fn proto_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(proto_folder().join("airside/v1"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "proto"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn compiler(with_comments: bool) -> protox::Compiler {
    let mut compiler = protox::Compiler::new([proto_folder()]).unwrap();
    compiler.include_source_info(with_comments).include_imports(true);
    compiler.open_files(proto_files()).unwrap();
    compiler
}

#[test]
fn the_generated_code_is_what_the_protocol_says() {
    let scratch = tempfile::tempdir().unwrap();
    let mut builder = tonic_prost_build::configure()
        .out_dir(scratch.path())
        .emit_rerun_if_changed(false)
        .bytes(".");
    for field in BOXED {
        builder = builder.boxed(field);
    }
    builder.compile_fds(compiler(true).file_descriptor_set()).unwrap();

    let code = fs::read(scratch.path().join("airside.v1.rs")).unwrap();
    let descriptors = compiler(false).encode_file_descriptor_set();
    fs::create_dir_all(generated_folder()).unwrap();
    let outdated: Vec<&str> = [("airside.v1.rs", code), ("descriptor.bin", descriptors)]
        .into_iter()
        .filter(|(name, fresh)| {
            let committed = generated_folder().join(name);
            let differs = fs::read(&committed).ok().as_deref() != Some(fresh);
            if differs {
                fs::write(committed, fresh).unwrap();
            }
            differs
        })
        .map(|(name, _)| name)
        .collect();
    assert!(
        outdated.is_empty(),
        "libs/wire/src/gen did not fit proto/ and was written anew: {outdated:?}. \
         Run the test again and commit the result"
    );
}

#[test]
fn every_part_of_the_protocol_has_a_comment() {
    let files = compiler(true).file_descriptor_set().file;
    assert!(files.len() >= proto_files().len());
    let bare: Vec<String> = files.iter().flat_map(uncommented).collect();
    assert!(bare.is_empty(), "without a comment: {bare:#?}");
}

#[test]
fn a_missing_comment_is_noticed_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("bare.proto"),
        "syntax = \"proto3\";\npackage p;\n\
         message A { string b = 1; oneof c { string d = 2; } optional string o = 4;\n\
           message E { bool f = 1; } enum G { H = 0; } }\n\
         // Commented.\nmessage I {}\n\
         enum J { K = 0; }\nservice L { rpc M(A) returns (I); }\n",
    )
    .unwrap();
    let mut compiler = protox::Compiler::new([folder.path()]).unwrap();
    compiler.include_source_info(true);
    compiler.open_file("bare.proto").unwrap();
    let found: BTreeSet<String> =
        compiler.file_descriptor_set().file.iter().flat_map(uncommented).collect();
    let expected =
        ["A", "A.b", "A.c", "A.d", "A.o", "A.E", "A.E.f", "A.G", "A.G.H", "J", "J.K", "L", "L.M"];
    assert_eq!(found, expected.into_iter().map(|name| format!("p.{name}")).collect());
}

/// The names of a file's messages, fields, oneofs, enums, values, services and methods that no comment
/// precedes.
fn uncommented(file: &FileDescriptorProto) -> Vec<String> {
    let commented: BTreeSet<&[i32]> = file
        .source_code_info
        .iter()
        .flat_map(|info| &info.location)
        .filter(|location| !location.leading_comments().trim().is_empty())
        .map(|location| location.path.as_slice())
        .collect();
    let mut parts = Vec::new();
    for (at, message) in file.message_type.iter().enumerate() {
        message_parts(message, file.package(), &[4, at], &mut parts);
    }
    for (at, list) in file.enum_type.iter().enumerate() {
        enum_parts(list, file.package(), &[5, at], &mut parts);
    }
    for (at, service) in file.service.iter().enumerate() {
        let name = format!("{}.{}", file.package(), service.name());
        for (method_at, method) in service.method.iter().enumerate() {
            parts.push((vec![6, at, 2, method_at], format!("{name}.{}", method.name())));
        }
        parts.push((vec![6, at], name));
    }
    parts
        .into_iter()
        .filter(|(path, _)| {
            let path: Vec<i32> = path.iter().map(|step| i32::try_from(*step).unwrap()).collect();
            !commented.contains(path.as_slice())
        })
        .map(|(_, name)| name)
        .collect()
}

/// A part of a file, by its path of field numbers and indices in the file's descriptor, and its name.
type Part = (Vec<usize>, String);

fn message_parts(message: &DescriptorProto, scope: &str, path: &[usize], parts: &mut Vec<Part>) {
    let name = format!("{scope}.{}", message.name());
    let below = |field: usize, at: usize| [path, &[field, at]].concat();
    for (at, field) in message.field.iter().enumerate() {
        parts.push((below(2, at), format!("{name}.{}", field.name())));
    }
    for (at, oneof) in message.oneof_decl.iter().enumerate() {
        // An `optional` field has a oneof of its own that nobody wrote.
        let is_written = !message
            .field
            .iter()
            .any(|field| field.proto3_optional() && usize::try_from(field.oneof_index()) == Ok(at));
        if is_written {
            parts.push((below(8, at), format!("{name}.{}", oneof.name())));
        }
    }
    for (at, nested) in message.nested_type.iter().enumerate() {
        message_parts(nested, &name, &below(3, at), parts);
    }
    for (at, list) in message.enum_type.iter().enumerate() {
        enum_parts(list, &name, &below(4, at), parts);
    }
    parts.push((path.to_vec(), name));
}

fn enum_parts(list: &EnumDescriptorProto, scope: &str, path: &[usize], parts: &mut Vec<Part>) {
    let name = format!("{scope}.{}", list.name());
    for (at, value) in list.value.iter().enumerate() {
        parts.push(([path, &[2, at]].concat(), format!("{name}.{}", value.name())));
    }
    parts.push((path.to_vec(), name));
}
