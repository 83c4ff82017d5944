//! The HTTP API inside Lambda functions: requests of API Gateway and function URLs.
