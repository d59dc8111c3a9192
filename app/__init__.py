"""The LaSeR Explorer: a Streamlit app that shows rollouts and what their scores are worth. Start: app/main.py."""
