"""ValidatingAdmissionPolicies: rules in CEL that hold inside the server, whatever else is running."""
