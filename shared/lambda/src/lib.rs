//! What every Lambda function of ours shares: settings, logs, metrics, the batch of a queue.
