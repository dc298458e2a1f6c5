//! How fast the driver and its helper talk, which every sandbox and every further program pays.
//!
//! `cargo test --release -p inline-embedded --lib -- --ignored --nocapture benchmarks`. They stand in a test, as what they
//! measure is nobody's business outside.

use std::os::fd::AsFd;

use divan::{Bencher, Divan};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::channel::{Outgoing, Receiver};
use crate::wire::{Numbered, Program, Request};

#[test]
#[ignore = "a benchmark"]
fn run() {
    Divan::default().run_benches();
}

fn request() -> Numbered<Request> {
    let program = Program {
        arguments: ["python3", "-c", "print(1)"].map(str::to_owned).to_vec(),
        environment: vec!["LANG=C.UTF-8".to_owned(); 10],
        search_path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
        working_dir: "/workspace".to_owned(),
        uid: 65534,
        gid: 65534,
    };
    Numbered {
        number: 7,
        body: Request::Exec(program),
    }
}

#[divan::bench]
fn a_message_written(bencher: Bencher<'_, '_>) {
    let request = request();
    bencher.bench(|| Outgoing::new(&request).unwrap());
}

/// Written, sent, received and read.
#[divan::bench]
fn a_message_from_end_to_end(bencher: Bencher<'_, '_>) {
    let request = request();
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let mut receiver = Receiver::new();
    bencher.bench_local(|| {
        Outgoing::new(&request).unwrap().send(ours.as_fd(), &[]).unwrap();
        let incoming = receiver.receive(theirs.as_fd()).unwrap().unwrap();
        incoming.decode::<Numbered<Request>>().unwrap()
    });
}
