// Limitador behind Envoy's protocol, as limitador-server has it: the same calls of the library, the same reading of the file
// of limits, one map of entries for each descriptor, and no gRPC health. Prints its port.
use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::Code;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::{RateLimitService, RateLimitServiceServer};
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use limitador::limit::{Context, Limit};
use limitador::RateLimiter;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

const CACHED_COUNTERS: u64 = 10_000;

struct Service {
    limiter: Arc<RateLimiter>,
}

#[tonic::async_trait]
impl RateLimitService for Service {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        let request = request.into_inner();
        let mut values: Vec<HashMap<String, String>> = Vec::new();
        for descriptor in &request.descriptors {
            let entries = descriptor.entries.iter();
            values.push(entries.map(|entry| (entry.key.clone(), entry.value.clone())).collect());
        }
        let hits = if request.hits_addend == 0 { 1 } else { request.hits_addend } as u64;
        let mut context = Context::default();
        context.list_binding("descriptors".to_string(), values);
        let result = self
            .limiter
            .check_rate_limited_and_update(&request.domain.into(), &context, hits)
            .map_err(|_| Status::unavailable("Service unavailable"))?;
        let code = if result.limited { Code::OverLimit } else { Code::Ok };
        Ok(Response::new(RateLimitResponse { overall_code: code.into(), ..Default::default() }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).expect("a file of limits");
    let limits: Vec<Limit> = serde_yaml::from_reader(File::open(path)?)?;
    let limiter = RateLimiter::new(CACHED_COUNTERS);
    limiter.configure_with(limits).map_err(|error| format!("{error:?}"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    tonic::transport::Server::builder()
        .add_service(RateLimitServiceServer::new(Service { limiter: Arc::new(limiter) }))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await?;
    Ok(())
}
