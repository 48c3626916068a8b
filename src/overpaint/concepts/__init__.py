"""The knowledge that is recombined: lexicon, prompt reading, exemplar library."""
