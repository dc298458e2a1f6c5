//! What is asked of the service.

use crate::{LimitRequest, Owner, PackageManager, Program};

/// Asks for a run: whose, where, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunRequest {
    /// Whose run it is; limits and usage count for this owner.
    pub owner: Owner,
    /// What to run.
    pub program: Program,
    /// Where it was asked for, in the words of the face, for the audit: a channel, a client, a terminal. Default empty.
    pub place: String,
    /// Whether it gets an empty workspace of its own, which is gone afterwards with all that it made, though not before the
    /// [`Artifacts`](crate::Artifacts) of the result are dropped. Default `false`.
    pub one_shot: bool,
}

impl RunRequest {
    /// Asks for a run of `program` in the sandbox of `owner`, which is made if there is none.
    pub fn new(owner: Owner, program: Program) -> Self {
        Self {
            owner,
            program,
            place: String::new(),
            one_shot: false,
        }
    }

    /// Sets where it was asked for.
    #[must_use]
    pub fn with_place(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// Sets whether it gets a workspace that is gone afterwards.
    #[must_use]
    pub fn with_one_shot(mut self, one_shot: bool) -> Self {
        self.one_shot = one_shot;
        self
    }
}

/// Asks for a cell: whose, in which language, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CellRequest {
    /// Whose session it is.
    pub owner: Owner,
    /// The language, by name or by one of its others.
    pub language: String,
    /// The source.
    pub source: String,
    /// Where it was asked for, as in [`RunRequest::place`].
    pub place: String,
    /// What a session that is opened by this cell may use, in all its cells; one that is open keeps its own.
    pub limits: LimitRequest,
}

impl CellRequest {
    /// Asks for `source` to be run in the session of `language` in the sandbox of `owner`.
    pub fn new(owner: Owner, language: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            owner,
            language: language.into(),
            source: source.into(),
            place: String::new(),
            limits: LimitRequest::default(),
        }
    }

    /// Sets where it was asked for.
    #[must_use]
    pub fn with_place(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// Sets what a session that is opened by this cell may use.
    #[must_use]
    pub fn with_limits(mut self, limits: LimitRequest) -> Self {
        self.limits = limits;
        self
    }
}

/// Asks for packages: for whom, by which manager, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstallRequest {
    /// Whose sandbox they are installed in.
    pub owner: Owner,
    /// What installs them.
    pub manager: PackageManager,
    /// The packages as a person types them; `None` are those on record, each in its version, and no others.
    pub packages: Option<Vec<String>>,
    /// Where it was asked for, as in [`RunRequest::place`].
    pub place: String,
}

impl InstallRequest {
    /// Asks for `packages`, such as `numpy` or `numpy==2.1`, beside what is installed.
    pub fn new<I, S>(owner: Owner, manager: PackageManager, packages: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let packages = Some(packages.into_iter().map(Into::into).collect());
        Self {
            owner,
            manager,
            packages,
            place: String::new(),
        }
    }

    /// Asks for what is on record to be installed again, as after a change of the image.
    pub fn restore(owner: Owner, manager: PackageManager) -> Self {
        Self {
            owner,
            manager,
            packages: None,
            place: String::new(),
        }
    }

    /// Sets where it was asked for.
    #[must_use]
    pub fn with_place(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }
}
