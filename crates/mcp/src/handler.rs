//! What a connection is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, ErrorCode,
    Implementation, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ServerCapabilities, ServerConfig,
    SubscriptionFilter, Tool,
};
use rmcp::service::{NotificationContext, Peer, RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};
use serde_json::json;
use tokio::sync::SemaphorePermit;

use crate::call::Call;
use crate::client::Client;
use crate::departure::Departure;
use crate::log::Log;
use crate::{resources, tools};

const INSTRUCTIONS: &str = "\
Runs code in isolated containers. Use `sandbox_exec` for anything that is better computed than guessed. Files in /workspace \
stay from call to call, and are resources as well. `session` keeps an interpreter alive between calls. There is no network; \
`sandbox_install` brings packages. Cancelling a call stops its program at once.";

const TOO_MANY: &str = "too many calls go on at once; try again when some have ended";

/// Answers one connection, or one request of a client without.
#[derive(Debug)]
pub(crate) struct Handler {
    client: Arc<Client>,
    log: Log,
    /// Whether the connection is told of files that come and go.
    is_told: AtomicBool,
}

impl Handler {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            log: Log::default(),
            is_told: AtomicBool::new(false),
        }
    }

    fn permit(&self) -> Result<SemaphorePermit<'_>, ErrorData> {
        let permit = self.client.calls.try_acquire();
        permit.map_err(|_| ErrorData::internal_error(TOO_MANY, None))
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        #[expect(deprecated, reason = "clients of the handshake still show log messages")]
        let capabilities = ServerCapabilities::builder()
            .enable_logging()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_tools()
            .build();
        let server = Implementation::new("inline", env!("CARGO_PKG_VERSION")).with_title("Inline");
        ServerConfig::new(capabilities)
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::describe(&self.client)))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::Named::find(name).map(|tool| tool.describe(&self.client))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::Named::find(&request.name) else {
            let name: String = request.name.chars().take(64).collect();
            return Err(ErrorData::invalid_params(format!("there is no tool `{name}`"), None));
        };
        let Ok(_permit) = self.client.calls.try_acquire() else {
            return Ok(CallToolResult::error(vec![ContentBlock::text(TOO_MANY)]).into());
        };
        let call = Call {
            client: &self.client,
            context: &context,
            log: &self.log,
        };
        match tool.call(&call, request.arguments.unwrap_or_default()).await {
            Ok(result) => Ok(result.into()),
            Err(refusal) => {
                let told = refusal.tell();
                if told.is_ours {
                    let data = json!({ "tool": tool.name(), "message": told.text });
                    self.log.error(&context, data).await;
                }
                Ok(CallToolResult::from(told).into())
            }
        }
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let _permit = self.permit()?;
        Ok(ListResourcesResult::with_all_items(
            resources::list(&self.client).await?,
        ))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let _permit = self.permit()?;
        let contents = resources::read(&self.client, &request.uri).await?;
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    #[expect(deprecated, reason = "clients of the handshake still set a level")]
    async fn set_level(
        &self,
        request: rmcp::model::SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.log.set_level(&request);
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        // Whoever says it again is told no more often.
        if !self.is_told.swap(true, Ordering::Relaxed) {
            let departure = Departure::of(&context.extensions);
            drop(tokio::spawn(tell_of_files(
                Arc::clone(&self.client),
                context.peer,
                departure,
            )));
        }
    }

    fn accepted_subscription_filter(&self, _requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::builder().resources_list_changed().build())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.client.changes.subscribe();
        let departure = Departure::of(&context.request_context().extensions);
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                () = departure.told() => return Ok(()),
                seen = changes.changed() => {
                    if seen.is_err() || context.sink().notify_resource_list_changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method: String = request.method.chars().take(64).collect();
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None))
    }
}

/// Tells a client of the handshake when its list of files is another, until the connection is gone.
async fn tell_of_files(client: Arc<Client>, peer: Peer<RoleServer>, departure: Departure) {
    let mut changes = client.changes.subscribe();
    loop {
        tokio::select! {
            () = departure.told() => return,
            seen = changes.changed() => {
                if seen.is_err() || peer.notify_resource_list_changed().await.is_err() {
                    return;
                }
            }
        }
    }
}
