"""The gRPC face of the service: the same intake and the same incidents as over HTTP."""
