//! How early the kernel's OOM killer picks a program: set by the process that makes it, since a process that nobody may look
//! into cannot set its own.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::BorrowedFd;

use rustix::fs::{Mode, OFlags};

use crate::wire::{Failure, Step};

const PATH: &str = "self/oom_score_adj";

/// The score of this process, open for as long as it may change.
pub(super) struct OomScore(Option<Scores>);

struct Scores {
    file: File,
    own: String,
    of_programs: String,
}

impl OomScore {
    /// Opens the score of the calling process; nothing is opened where programs are to have the same.
    pub(super) fn open(proc: BorrowedFd<'_>, of_programs: Option<i16>) -> Result<Self, Failure> {
        let Some(of_programs) = of_programs else {
            return Ok(Self(None));
        };
        let open = || -> io::Result<_> {
            let file = rustix::fs::openat(proc, PATH, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
            let mut file = File::from(file);
            let own = io::read_to_string(&mut file)?;
            Ok(Scores {
                file,
                own,
                of_programs: of_programs.to_string(),
            })
        };
        Ok(Self(Some(open().map_err(Step::OomScore.at(of_programs.to_string()))?)))
    }

    /// Sets the score that children are to inherit.
    pub(super) fn raise(&mut self) -> Result<(), Failure> {
        self.set(|scores| &scores.of_programs)
    }

    /// Sets the score as it was.
    pub(super) fn restore(&mut self) -> Result<(), Failure> {
        self.set(|scores| &scores.own)
    }

    fn set(&mut self, which: impl Fn(&Scores) -> &String) -> Result<(), Failure> {
        let Some(scores) = &mut self.0 else {
            return Ok(());
        };
        let score = which(scores).trim().to_owned();
        scores
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| scores.file.write_all(score.as_bytes()))
            .map_err(Step::OomScore.at(score))
    }
}
