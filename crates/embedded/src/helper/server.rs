//! The first process of a sandbox's outer process namespace: makes the main program, runs further ones, tells their ends.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::DumpableBehavior;
use rustix::thread::LinkNameSpaceType;

use super::child::{Child, Spawned};
use super::late::{Late, Taker};
use super::monitor::Monitor;
use super::oom_score::OomScore;
use super::program::{self, Confinement, Identity};
use super::user_namespace::{self, Map};
use super::{FAILED, Link, Parts, Streams, container};
use crate::channel::Incoming;
use crate::sys::{self, SingleThreaded};
use crate::wire::{Failure, Numbered, Program, Reply, Request, Step};

/// How many further users' namespaces are kept.
const MAX_NAMESPACES: usize = 16;

/// Runs the server until the driver or the monitor is gone, or all programs have ended; returns the exit code.
pub(super) fn run(
    process: &SingleThreaded,
    link: Link,
    monitor: Monitor,
    number: u64,
    parts: Parts,
    streams: Streams,
) -> i32 {
    let Monitor { end, late } = monitor;
    let launched = Server::launch(process, number, parts, streams, &late);
    drop(late);
    match launched {
        Ok(server) => server.serve(link, &end),
        Err(failure) => {
            // Where the driver is gone, nobody needs to be told.
            drop(link.tell(number, Reply::Failed(failure)));
            FAILED
        }
    }
}

struct Server<'a> {
    process: &'a SingleThreaded,
    parts: Parts,
    /// The process namespaces in which children are made: ours, which no program sees, and that of the programs.
    outer: OwnedFd,
    inner: OwnedFd,
    oom_score: OomScore,
    main: u64,
    children: Vec<Child>,
    /// The namespaces of users who are not the sandbox's, where each needs one.
    namespaces: Vec<((u32, u32), OwnedFd)>,
}

impl<'a> Server<'a> {
    fn launch(
        process: &'a SingleThreaded,
        number: u64,
        mut parts: Parts,
        streams: Streams,
        late: &Taker,
    ) -> Result<Self, Failure> {
        let users = parts.launch.users;
        enter_limits(&mut parts.doors)?;
        rustix::process::setsid().map_err(Step::Namespaces.at("session"))?;
        if users.is_privileged() {
            program::raise_hard_limits(&parts.launch.restrictions.ulimits)?;
        }
        let host = rustix::fs::stat("/").map_err(Step::Root.at("/"))?;
        let namespace = |name: &str| {
            let path = format!("self/ns/{name}");
            user_namespace::open(parts.proc.as_fd(), &path).map_err(Step::Namespaces.at(path))
        };
        let outer = namespace("pid")?;
        nix::sched::unshare(CloneFlags::CLONE_NEWPID).map_err(Step::Namespaces.at("processes"))?;
        let oom_score = OomScore::open(parts.proc.as_fd(), parts.launch.restrictions.oom_score_adj)?;
        let main = Spawned::fork(process, number, |report| container::run(&parts, &streams, late, report))?;
        drop(streams);
        let inner = namespace("pid_for_children")?;
        // As a user of its own, where there is more than one, the server is nobody whom a program may signal. It becomes that
        // while the main program comes up, and nothing else is asked of it.
        let hidden = late.take(&parts.launch).and_then(hide);
        let main = main.wait()?;
        hidden?;
        // The main program's first half has made its root everybody's. Should that ever not hold, nothing else may run.
        let root = rustix::fs::stat("/").map_err(Step::Root.at("/"))?;
        if (root.st_dev, root.st_ino) == (host.st_dev, host.st_ino) {
            return Err(Step::Root.at("still the host's")(Errno::XDEV));
        }
        Ok(Self {
            process,
            parts,
            outer,
            inner,
            oom_score,
            main: number,
            children: vec![main],
            namespaces: Vec::new(),
        })
    }

    fn serve(mut self, mut link: Link, monitor: &OwnedFd) -> i32 {
        if link.tell(self.main, Reply::Started).is_err() {
            return FAILED;
        }
        while !self.children.is_empty() {
            let Ok(ready) = self.wait(&link, monitor) else {
                return FAILED;
            };
            if ready.monitor {
                return FAILED;
            }
            if self.tell_ends(&link, &ready.children).is_err() {
                return FAILED;
            }
            if ready.link {
                let Ok(Some(message)) = link.receiver.receive(link.socket.as_fd()) else {
                    return 0;
                };
                let Some((number, reply)) = self.answer(message) else {
                    return FAILED;
                };
                if link.tell(number, reply).is_err() {
                    return FAILED;
                }
            }
        }
        0
    }

    fn wait(&self, link: &Link, monitor: &OwnedFd) -> io::Result<Ready> {
        let mut polled = vec![
            PollFd::new(&link.socket, PollFlags::IN),
            PollFd::new(monitor, PollFlags::IN),
        ];
        polled.extend(
            self.children
                .iter()
                .map(|child| PollFd::new(&child.descriptor, PollFlags::IN)),
        );
        while let Err(error) = rustix::event::poll(&mut polled, None) {
            if error != Errno::INTR {
                return Err(error.into());
            }
        }
        let is_ready = |at: usize| !polled[at].revents().is_empty();
        Ok(Ready {
            link: is_ready(0),
            monitor: is_ready(1),
            children: (0..self.children.len()).filter(|child| is_ready(child + 2)).collect(),
        })
    }

    /// The end of the main program is told last: it is that of all others.
    fn tell_ends(&mut self, link: &Link, ready: &[usize]) -> io::Result<()> {
        let mut ended = Vec::new();
        for position in ready.iter().rev() {
            if let Some(end) = self.children[*position].end() {
                ended.push((self.children.remove(*position).number, end));
            }
        }
        ended.sort_by_key(|(number, _)| *number == self.main);
        if ended.last().is_some_and(|(number, _)| *number == self.main) {
            let others = std::mem::take(&mut self.children);
            let main = ended.pop();
            for child in others {
                // The kernel has killed them already.
                ended.push((child.number, child.wait_for_end()));
            }
            ended.extend(main);
        }
        for (number, end) in ended {
            link.tell(number, Reply::Exited(end))?;
        }
        Ok(())
    }

    fn answer(&mut self, mut message: Incoming) -> Option<(u64, Reply)> {
        let mut descriptors = std::mem::take(&mut message.descriptors).into_iter();
        let Numbered { number, body } = message.decode().ok()?;
        let answer = match body {
            Request::Launch(_) => return None,
            Request::Exec(program) => self
                .exec(number, &program, &Streams::take(&mut descriptors)?)
                .map(|()| Reply::Started),
            Request::Signal(signal) => self.signal(signal).map(|()| Reply::Done),
        };
        Some((number, answer.unwrap_or_else(Reply::Failed)))
    }

    fn exec(&mut self, number: u64, program: &Program, streams: &Streams) -> Result<(), Failure> {
        let launch = &self.parts.launch;
        let users = launch.users;
        let is_own_user = (program.uid, program.gid) == (users.uid, users.gid);
        let identity = if users.is_privileged() {
            Identity::Changed
        } else if is_own_user {
            Identity::Kept
        } else {
            let position = self.namespace_of(program.uid, program.gid)?;
            Identity::Entered(self.namespaces[position].1.as_fd())
        };
        let launch = &self.parts.launch;
        let confinement = Confinement {
            restrictions: &launch.restrictions,
            filter: &self.parts.filter,
            identity,
        };
        self.oom_score.raise()?;
        let child = Spawned::fork(self.process, number, |report| {
            program::become_program(program, &confinement, streams, report)
        })
        .and_then(Spawned::wait);
        self.oom_score.restore()?;
        self.children.push(child?);
        Ok(())
    }

    /// Returns where the namespace of a user who is not the sandbox's is kept.
    fn namespace_of(&mut self, uid: u32, gid: u32) -> Result<usize, Failure> {
        if let Some(position) = self.namespaces.iter().position(|(user, _)| *user == (uid, gid)) {
            return Ok(position);
        }
        let own = self.parts.launch.users;
        let children_in = |namespace: &OwnedFd| {
            rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::ProcessID))
                .map_err(Step::UserNamespace.at("processes"))
        };
        children_in(&self.outer)?;
        let made = user_namespace::nested(
            self.process,
            Map::one(uid, own.uid),
            Map::one(gid, own.gid),
            self.parts.proc.as_fd(),
        );
        children_in(&self.inner)?;
        if self.namespaces.len() == MAX_NAMESPACES {
            self.namespaces.clear();
        }
        self.namespaces.push(((uid, gid), made?));
        Ok(self.namespaces.len() - 1)
    }

    fn signal(&self, number: i32) -> Result<(), Failure> {
        let main = self.children.iter().find(|child| child.number == self.main);
        main.ok_or_else(|| Errno::SRCH.into())
            .and_then(|main| sys::send_signal(main.descriptor.as_fd(), number))
            .map_err(Step::Signal.at(number.to_string()))
    }
}

struct Ready {
    link: bool,
    monitor: bool,
    /// The positions of children that have ended.
    children: Vec<usize>,
}

/// Makes the calling process one that no program can signal or look into.
fn hide(late: Late) -> Result<(), Failure> {
    late.enter(user_namespace::SERVER, user_namespace::SERVER)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(Step::Privileges.at("dumpable"))
}

/// Puts the calling process under the limits, and makes what it sees of them begin there.
fn enter_limits(doors: &mut Vec<OwnedFd>) -> Result<(), Failure> {
    for door in doors.drain(..) {
        File::from(door).write_all(b"0").map_err(Step::Limits.at("enter"))?;
    }
    nix::sched::unshare(CloneFlags::CLONE_NEWCGROUP).map_err(Step::Namespaces.at("unshare"))
}
