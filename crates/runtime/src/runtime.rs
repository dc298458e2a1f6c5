//! The contract that every driver keeps.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    Capabilities, Container, ContainerId, ContainerSpec, ExecSpec, Image, ImageReference, Info, ListFilter, Process,
    PullOptions, PullStream, Result, Signal, Stats,
};

/// Runs containers on one engine.
///
/// Callers use it as `Arc<dyn ContainerRuntime>` and find conveniences in
/// [`ContainerRuntimeExt`](crate::ContainerRuntimeExt). Implementers write every method: there are no default bodies,
/// so that a wrapper that forgets one does not compile.
///
/// # Contract
///
/// Each promise names the case of `inline-conformance` that proves it; a driver that passes all of them keeps the
/// contract. What holds for every method:
///
/// - A container's name serves wherever its id does. (`inspect::name_serves_as_id`)
/// - Every call has a bound of the driver's own and fails with [`Timeout`](crate::ErrorKind::Timeout) past it.
///   (`engine::hung_is_timeout`)
/// - An engine that cannot be reached is [`Unavailable`](crate::ErrorKind::Unavailable). (`engine::gone_is_unavailable`)
/// - No method leaves anything behind that [`list`](Self::list) by label does not find. (`remove::nothing_left_behind`)
#[async_trait]
pub trait ContainerRuntime: Debug + Send + Sync + 'static {
    /// Returns the name of the driver: `docker`, `podman`, `embedded`, `kubernetes`, or one of a third party.
    fn driver(&self) -> &'static str;

    /// Returns what the driver can enforce on the engine that it is connected to.
    ///
    /// # Contract
    ///
    /// - What is present binds; what is absent is refused. (`limits::*`, `isolation::*`)
    fn capabilities(&self) -> Capabilities;

    /// Asks the engine whether it lives and what it is.
    ///
    /// # Contract
    ///
    /// - The answer names this driver and a version. (`engine::info`)
    ///
    /// # Errors
    ///
    /// - [`Unavailable`](crate::ErrorKind::Unavailable) if the engine does not answer.
    async fn info(&self) -> Result<Info>;

    /// Brings an image from its registry, whether or not it is here already.
    ///
    /// # Contract
    ///
    /// - Events come as the pull goes on; [`Done`](crate::PullEvent::Done) comes once, last, and the image is then here.
    ///   (`pull::ends_in_image_id`)
    /// - A missing tag or repository is [`ImageNotFound`](crate::ErrorKind::ImageNotFound). (`pull::missing_tag`)
    /// - A registry that is down is [`Unavailable`](crate::ErrorKind::Unavailable). (`pull::registry_down`)
    /// - An image that arrives damaged or in part is an error, never `Done`. (`pull::missing_layer`, `pull::corrupt_layer`)
    /// - A digest is obeyed. (`pull::by_digest`)
    ///
    /// # Errors
    ///
    /// Errors come from the stream or from the call itself. Besides those above:
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) if the registry wants another login.
    /// - [`ResourceExhausted`](crate::ErrorKind::ResourceExhausted) if the disk is full or the registry limits the rate.
    ///
    /// # Cancellation
    ///
    /// Dropping the stream gives the pull up; engines may finish it on their own.
    async fn pull(&self, image: &ImageReference, options: PullOptions) -> Result<PullStream>;

    /// Looks for an image on the engine; `None` if it is not there.
    ///
    /// # Contract
    ///
    /// - An image that is not there is `None`, not an error. (`pull::absent_image`)
    async fn image(&self, reference: &ImageReference) -> Result<Option<Image>>;

    /// Makes a container, not yet running.
    ///
    /// # Contract
    ///
    /// - The spec is validated first; nothing of it is ignored. (`create::spec_is_applied`, `create::invalid_spec`)
    /// - Nothing runs before [`start`](Self::start). (`create::does_not_run`)
    /// - A taken name is [`AlreadyExists`](crate::ErrorKind::AlreadyExists), and the holder is untouched. (`create::name_taken`)
    /// - A missing image is [`ImageNotFound`](crate::ErrorKind::ImageNotFound); it is not pulled. (`create::image_missing`)
    /// - The OCI runtime is the one asked for, or the call fails. (`create::oci_runtime`, `create::unknown_oci_runtime`)
    /// - A failed call leaves no container. (`create::failure_leaves_nothing`)
    ///
    /// # Errors
    ///
    /// - [`InvalidSpec`](crate::ErrorKind::InvalidSpec) and [`Unsupported`](crate::ErrorKind::Unsupported) from
    ///   [`ContainerSpec::validate`], and where the engine is found not to do what it was asked.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves no container, though its removal may come a moment later.
    /// (`create::dropped_future_leaves_nothing`)
    async fn create(&self, spec: &ContainerSpec) -> Result<ContainerId>;

    /// Runs a container's main process and attaches to it before its first instruction.
    ///
    /// # Contract
    ///
    /// - No output is lost, however early or much. (`start::output_from_the_first_byte`, `start::large_output`)
    /// - Standard input reaches the process, and its end. (`start::stdin_to_eof`)
    /// - The exit is told as it was, and [`inspect`](Self::inspect) agrees. (`start::exit_status`)
    /// - A program that does not exist is [`CommandNotFound`](crate::ErrorKind::CommandNotFound). (`start::command_not_found`)
    /// - A second start is [`AlreadyExists`](crate::ErrorKind::AlreadyExists). (`start::twice`)
    /// - A limit that is found not to bind ends the container and is [`Unsupported`](crate::ErrorKind::Unsupported).
    /// - The promises on processes at [`exec`](Self::exec) hold here too.
    ///
    /// # Errors
    ///
    /// - [`ContainerNotFound`](crate::ErrorKind::ContainerNotFound) if there is none. (`start::unknown_container`)
    ///
    /// # Cancellation
    ///
    /// Dropping the future may leave the container running; [`remove`](Self::remove) it.
    async fn start(&self, id: &ContainerId) -> Result<Process>;

    /// Runs a further process in a running container, under the same limits and restrictions.
    ///
    /// # Contract
    ///
    /// - The spec is applied; what it leaves out is the container's. (`exec::spec_is_applied`)
    /// - Standard input reaches the process, and its end. (`exec::stdin_to_eof`)
    /// - Input and output flow at the same time. (`exec::stdin_while_reading`)
    /// - A process may leave its input unread. Where the engine loses output over that, the stream ends in an error.
    ///   (`exec::stdin_closed_early`)
    /// - The two output streams are kept apart, each in order, with every byte. (`exec::streams_are_apart`,
    ///   `exec::split_characters`, `exec::large_output`, `exec::frame_like_bytes`)
    /// - The process is stopped by back-pressure while nobody reads. (`exec::back_pressure`)
    /// - [`Exited`](crate::Event::Exited) comes once and last, with the right code or signal. (`exec::exit_codes`,
    ///   `exec::signals`)
    /// - It does not wait for children that hold the output open. (`exec::background_child`)
    /// - Processes of one container do not disturb each other. (`exec::many_in_a_row`, `exec::many_at_once`)
    /// - A kill by the kernel's OOM killer is told. (`limits::memory_in_exec`)
    /// - A lost connection is [`Unavailable`](crate::ErrorKind::Unavailable), never an exit. (`engine::gone_mid_run`)
    /// - Dropping the process kills nothing. (`exec::drop_detaches`)
    /// - A program that does not exist is [`CommandNotFound`](crate::ErrorKind::CommandNotFound), from the call or from the
    ///   stream. (`exec::command_not_found`)
    ///
    /// # Errors
    ///
    /// - [`ContainerNotFound`](crate::ErrorKind::ContainerNotFound) if there is none. (`exec::unknown_container`)
    /// - [`NotRunning`](crate::ErrorKind::NotRunning) if the container does not run. (`exec::not_running`)
    ///
    /// # Cancellation
    ///
    /// Dropping the future may leave the process running.
    async fn exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<Process>;

    /// Sends `signal` to a container's main process.
    ///
    /// # Contract
    ///
    /// - The main process receives it. (`kill::signal_arrives`)
    /// - [`Signal::KILL`] ends every process in the container, whatever they do. (`kill::ends_the_tree`)
    ///
    /// # Errors
    ///
    /// - [`ContainerNotFound`](crate::ErrorKind::ContainerNotFound) if there is none. (`kill::unknown_container`)
    /// - [`NotRunning`](crate::ErrorKind::NotRunning) if the container does not run. (`kill::not_running`)
    async fn kill(&self, id: &ContainerId, signal: Signal) -> Result<()>;

    /// Removes a container, killing it first if it runs; returns when it is gone.
    ///
    /// # Contract
    ///
    /// - A container that does not exist is removed already. (`remove::twice`)
    /// - A running one goes within a second; there is no grace period. (`remove::running`)
    /// - The streams of its processes end. (`remove::ends_streams`)
    async fn remove(&self, id: &ContainerId) -> Result<()>;

    /// Describes a container.
    ///
    /// # Contract
    ///
    /// - The state follows its life. (`inspect::states`)
    ///
    /// # Errors
    ///
    /// - [`ContainerNotFound`](crate::ErrorKind::ContainerNotFound) if there is none. (`inspect::unknown_container`)
    async fn inspect(&self, id: &ContainerId) -> Result<Container>;

    /// Lists containers in any state.
    ///
    /// # Contract
    ///
    /// - All labels of the filter must match; nothing else is listed. (`list::by_label`)
    /// - What is not yet started and what has ended is listed too. (`list::any_state`)
    async fn list(&self, filter: &ListFilter) -> Result<Vec<Container>>;

    /// Measures a running container; where the driver keeps what one had used when it ended, that.
    ///
    /// # Contract
    ///
    /// - The numbers are the container's own. (`stats::measure_the_container`)
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](crate::ErrorKind::Unsupported) if [`Capability::Stats`](crate::Capability::Stats) is absent.
    /// - [`ContainerNotFound`](crate::ErrorKind::ContainerNotFound) if there is none. (`stats::unknown_container`)
    /// - [`NotRunning`](crate::ErrorKind::NotRunning) if the container does not run, and nothing is kept of what it
    ///   had used. (`stats::not_running`)
    async fn stats(&self, id: &ContainerId) -> Result<Stats>;
}
