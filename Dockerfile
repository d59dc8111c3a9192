# The explorer for a class: every page but training and sampling, without PyTorch. docs/deploy.md has sizes and measurements.
#
#   docker build --tag laser-explorer .
#   docker run --rm --publish 8501:8501 laser-explorer
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
RUN python -m venv --without-pip /opt/laser
COPY requirements-app.txt /build/
RUN pip --python /opt/laser/bin/python install --no-cache-dir --requirement /build/requirements-app.txt
# After the packages, so that a change of the code does not install them again.
COPY pyproject.toml README.md LICENSE /build/
COPY laser_core /build/laser_core
COPY app /build/app
COPY sample_data /build/sample_data
RUN pip --python /opt/laser/bin/python install --no-cache-dir --no-deps /build
# What no server reads: the packages' own tests, C headers, and libraries that nothing here links against.
COPY deploy/slim.py /build/deploy/slim.py
RUN python /build/deploy/slim.py /opt/laser

FROM ${PYTHON}
RUN useradd --create-home --uid 1000 explorer
COPY --from=build /opt/laser /opt/laser
USER explorer
WORKDIR /home/explorer
ENV PATH=/opt/laser/bin:$PATH PYTHONUNBUFFERED=1 LASER_EXPLORER_HOME=/home/explorer/data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["laser", "app", "--host", "0.0.0.0", "--port", "8501"]
