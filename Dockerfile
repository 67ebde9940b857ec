# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# actnet on any machine with Docker:
#   docker build -t actnet .
#   docker run --rm actnet utils/demo.sh      the demo
#   docker run --rm actnet utils/test.sh      the tests
#   docker run --rm -v "$PWD:/models" actnet actnet-compile /models/m.onnx -o /models/m
FROM debian:12
WORKDIR /actnet
# The packages change less often than the sources: a layer of their own.
COPY utils/setup.sh utils/requirements-test.txt utils/
RUN utils/setup.sh --packages-only && apt-get clean
COPY . .
RUN utils/setup.sh --tests && ninja -C build actnet-compile actnet-opt actnet-run actnet
ENV PATH=/actnet/build/bin:$PATH
CMD ["utils/demo.sh"]
