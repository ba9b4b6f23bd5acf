"""What all front ends share of HTTP, XML and text: bodies, limits, simple values, replies.

Knows neither SOAP nor the web API, neither carriers nor operations.
"""
