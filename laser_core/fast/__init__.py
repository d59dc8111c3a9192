"""The same forward pass at laptop speed: Llama-shaped models, cached decoding, and which precision to compute in."""
