"""The published scoring protocol of RNNLG: BLEU over grouped references, and the slot error.

Wen et al. 2015, "Semantically Conditioned LSTM-based Natural Language Generation for Spoken Dialogue Systems", EMNLP, and
Wen et al. 2016, "Multi-domain Neural Network Language Generation for Spoken Dialogue Systems", NAACL; reference
implementation: github.com/shawnwun/RNNLG (loader/DataReader.py, DataLexicaliser.py, FeatParser.py, GentScorer.py).
"""
