# Two images, from the root of the repository (docs/serving.md):
#   docker build --target training -t t2t-mm .
#   docker build --target serving -t t2t-mm-serving --build-arg EXPORTS=exports .
# Paths of the steps are relative to WORKDIR, so that a test runs them where there is no daemon.

FROM python:3.11-slim-bookworm AS wheel
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE ./
COPY bin bin
COPY gin gin
COPY problems problems
COPY t2t_mm t2t_mm
RUN pip wheel --no-cache-dir --no-deps --wheel-dir dist .

# All commands. On GPUs: --build-arg EXTRAS=audio,gpu,pretrained,report,ui
FROM python:3.11-slim-bookworm AS training
ARG EXTRAS=audio,pretrained,report,ui
WORKDIR /work
COPY --from=wheel /src/dist dist
RUN pip install --no-cache-dir "$(echo dist/*.whl)[$EXTRAS]" && rm -r dist \
    && useradd --uid 10001 --create-home training \
    && chown 10001 .
USER 10001
CMD ["mm-list"]

# The exports and what answers from them.
FROM python:3.11-slim-bookworm AS serving
ARG EXPORTS=exports
ENV PYTHONUNBUFFERED=1 TF_CPP_MIN_LOG_LEVEL=1
WORKDIR /srv
COPY docker/serving.txt ./
COPY --from=wheel /src/dist dist
RUN pip install --no-cache-dir -r serving.txt \
    && pip install --no-cache-dir --no-deps tensorflow-text==2.21.1 dist/*.whl \
    && rm -r dist serving.txt \
    && useradd --uid 10001 --no-create-home serving
COPY ${EXPORTS} exports
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
ENTRYPOINT ["mm-serve"]
CMD ["--host=0.0.0.0", "--token_file=/run/secrets/tokens"]
