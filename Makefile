# `make demo` and `make test` do everything a fresh clone needs; `make help` lists the rest.

SCANLINE = .build/release/scanline
DEMO = runs/demo
STROKES = datasets/strokes
PLATES = datasets/plates

.PHONY: help
help: ## list these targets
	@sed -nE 's/^([a-z0-9 +-]+):.*## (.*)/\1|\2/p' Makefile \
	  | awk -F'|' '{ printf "%-28s %s\n", $$1, $$2 }'

# Set-up ------------------------------------------------------------------------------------------

PACKAGES = libpng-dev libjpeg-dev zlib1g-dev libdnnl-dev

.PHONY: setup-browser setup-codecs
setup-browser: PACKAGES = chromium
setup-codecs: PACKAGES = libjxl-tools webp
.PHONY: setup
setup: ## install the Debian packages that are missing
setup-browser: ## install Chromium, in which the tests look at the report where it is there
setup-codecs: ## install JPEG XL's and WebP's encoders, beside which a study puts a density
setup setup-browser setup-codecs:
	@command -v swift >/dev/null || { \
	  echo "make: expected Swift 6.1 or later on the PATH, found none: see https://swift.org/install" >&2; \
	  exit 1; }
	@missing=; for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
	    || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  echo "installing Debian packages$${sudo:+ through sudo}:$$missing"; \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

.PHONY: build
build: setup ## build the command, optimised
	swift build -c release --product scanline

.PHONY: test
test: setup ## build and run all tests
	swift build -c release --build-tests
	swift test -c release --skip-build

# The main job, end to end ------------------------------------------------------------------------

.PHONY: demo
demo: build ## learn the bundled digits, draw new ones, flag a mixed folder
	rm -rf $(DEMO)
	$(SCANLINE) train $(STROKES)/digits --run $(DEMO)/run --seed 1 $(DEMO_MODEL)
	$(SCANLINE) sample $(DEMO)/run --count 64 --out $(DEMO)/samples --seed 1
	$(SCANLINE) flag $(DEMO)/run $(STROKES)/mixed --out $(DEMO)/flagged --false-alarm-rate 0.05
	$(SCANLINE) compare $(DEMO)/run --in $(STROKES)/mixed/normal --out-of $(STROKES)/mixed/letters \
	  --out-of $(STROKES)/mixed/doodles --out-of $(STROKES)/mixed/defects
	@echo
	@echo "new digits:     $(DEMO)/samples/grid.png"
	@echo "what was found: $(DEMO)/flagged/report.html"

.PHONY: demo-parts
demo-parts: build ## learn 120 bundled plates of cloth, flag faulty ones and show where
	rm -rf $(DEMO)-parts
	$(SCANLINE) train $(PLATES)/train --run $(DEMO)-parts/run --seed 1
	$(SCANLINE) flag $(DEMO)-parts/run $(PLATES)/mixed --out $(DEMO)-parts/flagged
	$(SCANLINE) compare $(DEMO)-parts/run --in $(PLATES)/mixed/good --out-of $(PLATES)/mixed/defect \
	  --boxes $(PLATES)/boxes --plots $(DEMO)-parts/plots
	@echo
	@echo "what was found: $(DEMO)-parts/flagged/report.html"

# The bundled digits are few: without dropout the model soon knows them by heart.
DEMO_MODEL = --model pixelcnn --set blocks=8 --set channels=16 --set dropout=0.2 \
  --weight-decay 0.05 --binarize threshold --minutes 3

# Public data -------------------------------------------------------------------------------------

.PHONY: mnist fashion-mnist binarized-mnist cifar10
mnist fashion-mnist binarized-mnist cifar10: ## fetch a public data set, checked by SHA-256
	datasets/fetch.sh $@

# Studies: the README's results, hours in all ------------------------------------------------------
#
# Each selects on validation and reports on test, once. DATA is where `make mnist` and the like put
# their files, or another folder laid out alike.

DATA ?= datasets/public
binarized = $(or $(firstword $(wildcard $(DATA)/binarized-mnist/binarized_mnist_$(1).amat*)),\
  $(error $(DATA)/binarized-mnist is not there: make binarized-mnist, or say DATA=folder))
# Whole: nothing is to be flagged by these.
STATIC = $(call binarized,train) --validation $(call binarized,valid) --hold-out 0 --seed 1

.PHONY: study-fvsbn study-nade study-made study-pixelcnn study-gated study-rnn study-pixelrnn
study-fvsbn: build ## FVSBN on static binarized MNIST
	$(SCANLINE) train $(STATIC) --run runs/fvsbn --model fvsbn --set stencil=on \
	  --learning-rate 1e-2 --weight-decay 0.4 --epochs 60
	$(SCANLINE) evaluate runs/fvsbn $(call binarized,test)

study-nade: build ## NADE, 500 hidden units, on static binarized MNIST
	$(SCANLINE) train $(STATIC) --run runs/nade --model nade --set hidden=500 --epochs 60
	$(SCANLINE) evaluate runs/nade $(call binarized,test)

study-made: build ## MADE, 8000 hidden units and one mask, on static binarized MNIST
	$(SCANLINE) train $(STATIC) --run runs/made --model made --set hidden=8000 --set stencil=on \
	  --set dropout=0.2 --epochs 25
	$(SCANLINE) evaluate runs/made $(call binarized,test)

.PHONY: study-context study-made-pair study-made-masks study-made-orders study-deep-nade study-rnade
study-context: build ## counts over causal templates on static binarized MNIST: a minute
	$(SCANLINE) train $(STATIC) --run runs/context --model context
	$(SCANLINE) evaluate runs/context $(call binarized,test)

study-made-pair: build ## MADE, 8000 hidden units, in the raster's order and its opposite
	$(SCANLINE) train $(STATIC) --run runs/made-pair --model made --set hidden=8000 --set orders=2 \
	  --set dropout=0.2 --epochs 24
	$(SCANLINE) evaluate runs/made-pair $(call binarized,test) --orders 2

study-made-masks: build ## MADE, 8000 hidden units and 16 masks of one order, on static binarized MNIST
	$(SCANLINE) train $(STATIC) --run runs/made-masks --model made --set hidden=8000 --set masks=16 \
	  --epochs 30
	$(SCANLINE) evaluate runs/made-masks $(call binarized,test)

study-made-orders: build ## MADE, 8000 hidden units, over 16 orders by lines, on static binarized MNIST
	$(SCANLINE) train $(STATIC) --run runs/made-orders --model made --set hidden=8000 \
	  --set orders=16 --set dropout=0.3 --epochs 48
	$(SCANLINE) evaluate runs/made-orders $(call binarized,test) --orders 16

study-deep-nade: build ## deep NADE, two layers, over 1 and 16 orders, on static binarized MNIST
	$(SCANLINE) train $(STATIC) --run runs/deep-nade --model deep-nade \
	  --set neighbour-units=256,256,128 --set reach=4 --epochs 60
	for orders in 1 16; do \
	  $(SCANLINE) evaluate runs/deep-nade $(call binarized,test) --orders $$orders || exit 1; \
	done

# make study-rnade FLOWERS=folder of class folders of photographs
FLOWERS ?= $(DATA)/flowers
RNADE = runs/rnade-patches
study-rnade: build .peers/venv/scikit-learn ## RNADE on 8×8 patches, beside a mixture of Gaussians
	.peers/venv/bin/python Benchmarks/rnade.py patches $(FLOWERS) $(RNADE)
	$(SCANLINE) train $(RNADE)/train.npy --validation $(RNADE)/valid.npy --hold-out 0 --seed 1 \
	  --run runs/rnade --model nade --set hidden=512 --set units=rectified --set whiten=on \
	  --head gaussian-mixture --epochs 10
	$(SCANLINE) evaluate runs/rnade $(RNADE)/test.npy
	.peers/venv/bin/python Benchmarks/rnade.py mixture $(RNADE)

study-pixelcnn: build ## PixelCNN on static binarized MNIST
	$(SCANLINE) train $(STATIC) --run runs/pixelcnn --model pixelcnn --set blocks=15 \
	  --set channels=32 --set dropout=0.1 --batch 16 --optimiser adamw --learning-rate 1.5e-3 \
	  --weight-decay 0.05 \
	  --minutes 40
	$(SCANLINE) evaluate runs/pixelcnn $(call binarized,test)

study-gated: build ## gated PixelCNN on static binarized MNIST: 70 minutes
	$(SCANLINE) train $(STATIC) --run runs/gated --model gated-pixelcnn --set channels=32 \
	  --minutes 70
	$(SCANLINE) evaluate runs/gated $(call binarized,test)

# An hour of one thread each, so that two can be trained side by side.
.PHONY: study-pixelcnn++ study-pixelsnail study-transformer
study-pixelcnn++: build ## PixelCNN++ on static binarized MNIST: an hour of one thread
	$(SCANLINE) train $(STATIC) --run runs/pixelcnn++ --model pixelcnn++ --minutes 62 \
	  --threads 1
	$(SCANLINE) evaluate runs/pixelcnn++ $(call binarized,test)

study-pixelsnail: build ## PixelSNAIL on static binarized MNIST: an hour of one thread
	$(SCANLINE) train $(STATIC) --run runs/pixelsnail --model pixelsnail --minutes 62 \
	  --threads 1
	$(SCANLINE) evaluate runs/pixelsnail $(call binarized,test)

study-transformer: build ## a transformer on static binarized MNIST: an hour of one thread
	$(SCANLINE) train $(STATIC) --run runs/transformer --model transformer \
	  --set layers=4 --minutes 62 --threads 1
	$(SCANLINE) evaluate runs/transformer $(call binarized,test)

# After the three above and study-pixelrnn, whose mean with it is the best ensemble on validation.
.PHONY: study-orders
study-orders: build ## two orders by one network, and the mean with four others: 75 minutes of one thread
	$(SCANLINE) train $(STATIC) --run runs/orders --from runs/pixelcnn++ --orders 2 \
	  --minutes 75 --threads 1
	$(SCANLINE) evaluate runs/orders $(call binarized,test) --orders 2 \
	  $(addprefix --also runs/,pixelcnn++ pixelrnn pixelsnail transformer)

.PHONY: study-optimiser
study-optimiser: build ## an epoch by AdamW and by Muon, gated PixelCNN on static binarized MNIST
	for optimiser in adamw muon; do for rate in 2e-3 4e-3; do \
	  $(SCANLINE) train $(STATIC) --run runs/optimiser/$$optimiser-$$rate --model gated-pixelcnn \
	    --set layers=6 --set channels=32 --optimiser $$optimiser --learning-rate $$rate \
	    --epochs 1 || exit 1; \
	done; done

study-rnn: build ## an LSTM over the sequence of pixels on static binarized MNIST: an hour of one thread
	$(SCANLINE) train $(STATIC) --run runs/rnn --model rnn --minutes 62 --threads 1
	$(SCANLINE) evaluate runs/rnn $(call binarized,test)

study-pixelrnn: build ## Diagonal BiLSTM on static binarized MNIST: an hour of one thread
	$(SCANLINE) train $(STATIC) --run runs/pixelrnn --model pixelrnn --minutes 62 --threads 1
	$(SCANLINE) evaluate runs/pixelrnn $(call binarized,test)

.PHONY: study-precision
study-precision: build ## the same trainings in float32 and in bfloat16, on static binarized MNIST
	for precision in float32 bfloat16; do \
	  $(SCANLINE) train $(STATIC) --run runs/precision/made-$$precision --model made \
	    --set hidden=8000 --epochs 15 --precision $$precision && \
	  $(SCANLINE) train $(STATIC) --run runs/precision/pixelcnn-$$precision --model pixelcnn \
	    --epochs 6 --precision $$precision || exit 1; \
	done
	for run in made pixelcnn; do for precision in float32 bfloat16; do \
	  echo "$$run, $$precision:"; \
	  $(SCANLINE) evaluate runs/precision/$$run-$$precision $(call binarized,test) || exit 1; \
	done; done

images = $(or $(firstword $(wildcard $(DATA)/$(1)/$(2)-images-idx3-ubyte \
  $(DATA)/$(1)/$(2)-images-idx3-ubyte.gz)),\
  $(error $(DATA)/$(1) is not there: make $(1), or say DATA=folder))

.PHONY: study-mnist study-fashion study-folder
study-mnist: build ## MNIST against Fashion-MNIST by raw likelihood, 256 levels
	$(SCANLINE) train $(call images,mnist,train) --run runs/mnist --model pixelcnn \
	  --set channels=16 --minutes 6 --hold-out 0 --seed 1
	$(SCANLINE) compare runs/mnist --in $(call images,mnist,t10k) \
	  --out-of $(call images,fashion-mnist,t10k)

study-fashion: build ## 256-way PixelCNN on grey Fashion-MNIST, against optimised PNG
	$(SCANLINE) train $(call images,fashion-mnist,train) --run runs/fashion --model pixelcnn \
	  --minutes 7 --hold-out 0 --seed 1
	$(SCANLINE) evaluate runs/fashion $(call images,fashion-mnist,t10k)

.PHONY: study-fashion++ study-fashion-palette
study-fashion++: build ## 256-way PixelCNN++ on grey Fashion-MNIST: 135 minutes of one thread
	$(SCANLINE) train $(call images,fashion-mnist,train) --run runs/fashion++ --model pixelcnn++ \
	  --set dropout=0 --minutes 135 --seed 1 --threads 1
	$(SCANLINE) evaluate runs/fashion++ $(call images,fashion-mnist,t10k)

study-fashion-palette: build ## the run of study-fashion++ trained on, told which levels an image has had: 50 minutes
	$(SCANLINE) train $(call images,fashion-mnist,train) --run runs/fashion-palette \
	  --from runs/fashion++ --set palette=on --learning-rate 4e-4 --epochs 3 --seed 1 --threads 1
	$(SCANLINE) evaluate runs/fashion-palette $(call images,fashion-mnist,t10k)

# make split-folder FROM=flowers TO=flowers-split: of each class, a folder in FROM, the first file by
# sorted name and every tenth from there go to TO/test, the rest to TO/train, as links. TO is new or
# empty.
.PHONY: split-folder
split-folder: ## set every tenth image of each class aside for a test
	@set -- "$(FROM)"/*/; test -n "$(FROM)" && test -d "$$1" && test -n "$(TO)" || { \
	  echo "make: expected FROM=folder of class folders and TO=folder to make" >&2; exit 1; }
	@test -z "$$(ls -A "$(TO)" 2>/dev/null)" || { \
	  echo "make: $(TO): expected a new or empty folder" >&2; exit 1; }
	@from=$$(cd "$(FROM)" && pwd) && mkdir -p "$(TO)" && cd "$(TO)" && for class in "$$from"/*/; do \
	  name=$$(basename "$$class"); mkdir -p "train/$$name" "test/$$name"; \
	  find "$$class" -maxdepth 1 -type f ! -name '.*' | LC_ALL=C sort \
	    | awk -v name="$$name" '{ print; print (NR % 10 == 1 ? "test/" : "train/") name "/" }' \
	    | tr '\n' '\0' | xargs -0 -r -n 2 ln -s || exit 1; \
	done
	@echo "$$(find "$(TO)/train" -type l | wc -l) images in $(TO)/train," \
	  "$$(find "$(TO)/test" -type l | wc -l) in $(TO)/test"

# make study-folder NAME=cifar10 TRAIN=cifar10/train TEST=cifar10/test
# make study-folder NAME=flowers TRAIN=flowers-split/train TEST=flowers-split/test, after
# make split-folder FROM=flowers TO=flowers-split
study-folder: build ## 256-way PixelCNN on a folder of colour images, against optimised PNG
	$(SCANLINE) train $(TRAIN) --run runs/$(NAME) --model pixelcnn --size 32x32 --channels rgb \
	  --minutes 7 --hold-out 0 --seed 1
	$(SCANLINE) evaluate runs/$(NAME) $(TEST)

# make study-cifar10 CIFAR=folder of train.bin and test.bin: 32×32 colour, 256 levels
CIFAR ?= $(DATA)/cifar10
.PHONY: study-cifar10
study-cifar10: build ## PixelCNN++ on CIFAR-10: 110 minutes of one thread
	$(SCANLINE) train $(CIFAR)/train.bin --run runs/cifar10 $(CIFAR_MODEL) --seed 1 --hold-out 0
	$(SCANLINE) evaluate runs/cifar10 $(CIFAR)/test.bin

CIFAR_MODEL = --model pixelcnn++ --head logistic-mixture --set dropout=0 --learning-rate 1e-3 \
  --minutes 110 --threads 1

# make study-flowers FLOWERS=folder of class folders of photographs: 64×64 colour, beside codecs
.PHONY: study-flowers
study-flowers: build setup-codecs .peers/venv/scikit-learn ## PixelCNN++ on photographs at 64×64, beside JPEG XL and WebP
	.peers/venv/bin/python Benchmarks/codecs.py resize $(FLOWERS) runs/flowers-64-images
	$(SCANLINE) train runs/flowers-64-images/train --run runs/flowers-64 --model pixelcnn++ \
	  --head logistic-mixture --set dropout=0 --learning-rate 1e-3 --flip --minutes 34 \
	  --hold-out 0 --seed 1 --threads 1
	$(SCANLINE) evaluate runs/flowers-64 runs/flowers-64-images/test
	.peers/venv/bin/python Benchmarks/codecs.py lengths runs/flowers-64-images/test

# Exported runs ------------------------------------------------------------------------------------
#
# Small enough to be kept in the repository: `scanline sample runs/static-mnist-nade` works at once.

.PHONY: results
results: build ## every published likelihood again, from the runs in runs/: minutes
	python3 Benchmarks/results.py --data $(DATA) $(RESULTS)

.PHONY: study-digits study-made-1000
study-digits: build ## PixelCNN on the bundled digits, binary
	$(SCANLINE) train $(STROKES)/digits --run runs/study-digits $(DIGITS) --seed 1
	$(SCANLINE) evaluate runs/study-digits $(STROKES)/held-out

# The bundled digits are few: see DEMO_MODEL.
DIGITS = --model pixelcnn --set blocks=8 --set channels=16 --set dropout=0.2 --weight-decay 0.05 \
  --binarize threshold --hold-out 0 --epochs 60

study-made-1000: build ## MADE, 1000 hidden units, on static binarized MNIST
	$(SCANLINE) train $(STATIC) --run runs/made-1000 --model made --set hidden=1000 --epochs 40
	$(SCANLINE) evaluate runs/made-1000 $(call binarized,test)

# make zoo-nade after make study-nade: the best of it, to be committed; at most 5 MB.
.PHONY: zoo-digits zoo-fvsbn zoo-nade zoo-made-1000 zoo-pixelcnn zoo-gated zoo-pixelcnn++ zoo-pixelsnail zoo-rnn zoo-pixelrnn zoo-transformer
zoo-digits: build ## export the run of study-digits
	rm -rf runs/digits-pixelcnn
	$(SCANLINE) export runs/study-digits --out runs/digits-pixelcnn --test $(STROKES)/held-out \
	  --data-name "bundled digits, binary" --licence "Apache-2.0" --command "make study-digits"

zoo-fvsbn zoo-nade zoo-made-1000 zoo-pixelcnn zoo-gated zoo-pixelcnn++ zoo-pixelsnail zoo-rnn zoo-pixelrnn zoo-transformer: zoo-%: build ## export a run of static MNIST
	rm -rf runs/static-mnist-$*
	$(SCANLINE) export runs/$* --out runs/static-mnist-$* --test $(call binarized,test) \
	  --data-name "static binarized MNIST" --command "make study-$*"

.PHONY: zoo-cifar10 zoo-fashion
zoo-cifar10: build ## export the run of study-cifar10
	rm -rf runs/cifar10-pixelcnn++
	$(SCANLINE) export runs/cifar10 --out runs/cifar10-pixelcnn++ --test $(CIFAR)/test.bin \
	  --data-name "CIFAR-10" --command "make study-cifar10"

zoo-fashion: build ## export the run of study-fashion-palette
	rm -rf runs/fashion-pixelcnn++
	$(SCANLINE) export runs/fashion-palette --out runs/fashion-pixelcnn++ \
	  --test $(call images,fashion-mnist,t10k) --data-name "Fashion-MNIST" --licence "MIT" \
	  --command "make study-fashion++ study-fashion-palette"

.PHONY: zoo-orders
zoo-orders: build ## export the run of study-orders, with the figures of the ensemble
	rm -rf runs/static-mnist-orders
	$(SCANLINE) export runs/orders --out runs/static-mnist-orders --test $(call binarized,test) \
	  --orders 2 $(addprefix --also runs/static-mnist-,pixelcnn++ pixelrnn pixelsnail transformer) \
	  --data-name "static binarized MNIST" --command "make study-orders"

# The flipped sets are made from the test images. Writes runs/detection.txt.
detection_test = $(call images,fashion-mnist,t10k)
.PHONY: study-detection
study-detection: build ## the default verdict on Fashion-MNIST: MNIST, upside down, mirrored
	mkdir -p runs/detection-data
	for way in upside-down mirrored; do \
	  python3 Benchmarks/flip_idx.py $$way $(detection_test) runs/detection-data/$$way-idx3-ubyte \
	    || exit 1; \
	done
	$(SCANLINE) train $(call images,fashion-mnist,train) --run runs/detection --minutes 8 --seed 1
	$(SCANLINE) compare runs/detection --in $(detection_test) --out-of $(call images,mnist,t10k) \
	  --out-of runs/detection-data/upside-down-idx3-ubyte \
	  --out-of runs/detection-data/mirrored-idx3-ubyte | tee runs/detection.txt

# MNIST as normal, the same; and CIFAR-10, of the folder where assemble-cifar10 wrote it, CIFAR=..., against
# flowers of DATA/flowers, Fashion-MNIST, noise and its own flips.
.PHONY: study-detection-mnist study-detection-cifar study-false-alarms
study-detection-mnist: build ## the default verdict on MNIST: Fashion-MNIST, upside down, mirrored
	mkdir -p runs/detection-data
	for way in upside-down mirrored; do \
	  python3 Benchmarks/flip_idx.py $$way $(call images,mnist,t10k) \
	    runs/detection-data/mnist-$$way-idx3-ubyte || exit 1; \
	done
	$(SCANLINE) train $(call images,mnist,train) --run runs/detection-mnist --minutes 8 --seed 1
	$(SCANLINE) compare runs/detection-mnist --in $(call images,mnist,t10k) \
	  --out-of $(call images,fashion-mnist,t10k) \
	  --out-of runs/detection-data/mnist-upside-down-idx3-ubyte \
	  --out-of runs/detection-data/mnist-mirrored-idx3-ubyte | tee runs/detection-mnist.txt

CIFAR ?= $(DATA)/cifar10
FLOWERS ?= $(DATA)/flowers
study-detection-cifar: build ## the default verdict on CIFAR-10: flowers, Fashion-MNIST, noise, flips
	mkdir -p runs/detection-data
	python3 Benchmarks/cifar_sets.py $(CIFAR)/test.bin runs/detection-data
	$(SCANLINE) train $(CIFAR)/train.bin --run runs/detection-cifar --minutes 25 --seed 1
	$(SCANLINE) compare runs/detection-cifar --in $(CIFAR)/test.bin --out-of $(FLOWERS) \
	  --out-of $(call images,fashion-mnist,t10k) --out-of runs/detection-data/cifar-noise.bin \
	  --out-of runs/detection-data/cifar-mirrored.bin \
	  --out-of runs/detection-data/cifar-upside-down.bin | tee runs/detection-cifar.txt

study-false-alarms: build ## of ten splits of fresh normal images, after study-detection
	$(SCANLINE) score runs/detection $(detection_test) --out runs/false-alarms.csv --overwrite \
	  --false-alarm-rate 0.002
	python3 Benchmarks/false_alarms.py runs/false-alarms.csv --calibrated-on 2000

# Parts with defects, learned from good ones alone. Boards: do maps point at the outlined defects too?
# Cells: five splits, by the modules that cells are of.
.PHONY: study-boards study-cells
study-boards: build ## circuit boards, and where on them: both experts, image and pixel AUROC
	@to=$$(mktemp -d) && trap 'rm -rf "$$to"' EXIT \
	  && Benchmarks/split-parts.sh boards $(DATA) 1 "$$to/split" \
	  && $(SCANLINE) train "$$to/split/train" --run "$$to/run" --seed 1 \
	  && $(SCANLINE) compare "$$to/run" --in "$$to/split/good" --out-of "$$to/split/defect" \
	    --boxes "$$to/split/pcb/boxes"

study-cells: build ## solar cells, whole modules held out: both experts, image AUROC
	@for seed in 1 2 3 4 5; do \
	  to=$$(mktemp -d) && trap 'rm -rf "$$to"' EXIT \
	    && Benchmarks/split-parts.sh cells $(DATA) $$seed "$$to/split" \
	    && $(SCANLINE) train "$$to/split/train" --run "$$to/run" --seed $$seed \
	    && $(SCANLINE) compare "$$to/run" --in "$$to/split/good" --out-of "$$to/split/defect" \
	    && rm -rf "$$to" || exit 1; \
	done

# Conditions: the class given the image, the image given its class or a part of it, a new set given an
# old run.
.PHONY: study-classes study-completion study-transfer
study-classes: build ## gated PixelCNN of MNIST's classes: accuracy, log loss, and beside one without
	$(SCANLINE) train $(call images,mnist,train) --classes --run runs/classes $(CLASSES_MODEL)
	$(SCANLINE) evaluate runs/classes $(call images,mnist,t10k) --classes
	$(SCANLINE) sample runs/classes --out runs/classes-samples --seed 1
	$(SCANLINE) train $(call images,mnist,train) --run runs/no-classes $(CLASSES_MODEL)
	$(SCANLINE) evaluate runs/no-classes $(call images,mnist,t10k)

# Forty-five minutes of one thread each, so that both can be trained side by side.
CLASSES_MODEL = --model gated-pixelcnn --set channels=32 --set layers=6 --binarize threshold \
  --minutes 45 --threads 1 --hold-out 0 --seed 1

# make study-completion COMPLETION=runs/gated PARTICLES="32 128": any run of static binarized MNIST
COMPLETION ?= runs/static-mnist-pixelcnn++
PARTICLES ?= 32
study-completion: build ## nats of holes of 100 test digits, given all that is seen or what is before
	mkdir -p runs/completion
	python3 Benchmarks/hole_mask.py 28 28 0.3 1 runs/completion/hole.png
	gzip -cdf $(call binarized,test) | awk 'NR % 1250 == 600' > runs/completion/eight.amat
	$(SCANLINE) complete $(COMPLETION) runs/completion/eight.amat --count 5 --seed 1 \
	  --mask runs/completion/hole.png --particles 128 --out runs/completion/eight
	$(SCANLINE) complete $(COMPLETION) $(call binarized,test) --first 100 --keep-rows 14 --tell-hole \
	  --count 2 --out runs/completion/lower
	for particles in $(PARTICLES); do \
	  $(SCANLINE) complete $(COMPLETION) $(call binarized,test) --first 100 --tell-hole --count 2 \
	    --mask runs/completion/hole.png --particles $$particles \
	    --out runs/completion/hole-$$particles || exit 1; \
	done

study-transfer: build .peers/venv/matplotlib ## few bundled digits: from nothing, from MNIST, by additions
	$(SCANLINE) train $(call images,mnist,train) --run runs/transfer/base --model gated-pixelcnn \
	  --set layers=4 --set channels=32 --binarize threshold --minutes 12 --threads 1 --hold-out 0 \
	  --seed 1
	Benchmarks/study-transfer.sh runs/transfer/base $(STROKES)/digits $(STROKES)/held-out \
	  $(SCANLINE) runs/transfer
	.peers/venv/bin/python Benchmarks/plot_transfer.py runs/transfer/transfer.csv \
	  runs/transfer/transfer.png

# make study-surfaces HALF=A: what the experts were chosen on; B was looked at once. Needs numpy and scipy.
HALF ?= B
.PHONY: study-surfaces
study-surfaces: build ## made concrete with cracks and made tiles with faults: both experts, image AUROC
	@for kind in cracks tiles; do \
	  to=$$(mktemp -d) && trap 'rm -rf "$$to"' EXIT \
	    && python3 Benchmarks/made_surfaces.py $$kind $(HALF) "$$to" \
	    && $(SCANLINE) train "$$to/train" --run "$$to/run" --seed 1 \
	    && $(SCANLINE) compare "$$to/run" --in "$$to/good" --out-of "$$to/odd" \
	    && rm -rf "$$to" || exit 1; \
	done

.PHONY: study-kills
study-kills: setup ## stop a training 50 times, kill flag 20 times: ends in 3 s, costs nothing
	swift build -c release --build-tests
	KILLS=50 swift test -c release --skip-build --filter '\.KillTests'
	KILLS=20 swift test -c release --skip-build --filter FlagKillTests

# Streams by their ranks alone, 1 000 of 10 000 images; and one of real images, after study-detection.
.PHONY: study-drift
study-drift: build ## how often a normal stream is said to have changed, and how soon another is
	swift build -c release --build-tests
	DRIFT=1000 swift test -c release --skip-build --filter DetectionTests.DriftTests
	Benchmarks/study-drift.sh runs/detection $(detection_test) $(call images,mnist,t10k) $(SCANLINE)

# Attacks on a classifier, what the default verdict and each score see of them, what purify takes back, and
# who knows of both. After study-detection, or study-detection-cifar: their runs are the densities.
.PHONY: study-attacks study-attacks-fashion study-attacks-cifar bench-attacks
study-attacks: study-attacks-fashion study-attacks-cifar ## detection and purification of attacks, and adaptive ones

study-attacks-fashion: build ## the same on Fashion-MNIST
	$(SCANLINE) train $(call images,fashion-mnist,train) --model resnet --flip --epochs 12 \
	  --run runs/attack-fashion/classifier --seed 1
	$(SCANLINE) evaluate runs/attack-fashion/classifier $(detection_test)
	python3 Benchmarks/study_attacks.py runs/attack-fashion/classifier runs/detection \
	  $(detection_test) runs/attack-fashion --scanline $(SCANLINE)

study-attacks-cifar: build ## the same on CIFAR-10
	$(SCANLINE) train $(CIFAR)/train.bin --model resnet --flip --shift 3 --minutes 12 \
	  --run runs/attack-cifar/classifier --seed 1
	$(SCANLINE) evaluate runs/attack-cifar/classifier $(CIFAR)/test.bin
	python3 Benchmarks/study_attacks.py runs/attack-cifar/classifier runs/detection-cifar \
	  $(CIFAR)/test.bin runs/attack-cifar --every 50 --scanline $(SCANLINE)

bench-attacks: build .peers/venv/foolbox ## our attacks beside Foolbox's, on the same weights and images
	.peers/venv/bin/python Benchmarks/attack_peers.py runs/attack-fashion/classifier \
	  runs/attack-fashion/clean --scanline $(SCANLINE)

# Seconds for 10 000 PNG files of 28x28 pixels, and memory for 100 000, by the default model: trained in
# a minute, as neither depends on how well. Also in 64 shards, merged. Ten minutes.
.PHONY: study-flag
study-flag: build ## how long flag takes for 10 000 files, and its memory for 100 000
	Benchmarks/study-flag.sh $(call images,fashion-mnist,train) $(SCANLINE)

# Speed -------------------------------------------------------------------------------------------

.PHONY: bench
bench: build ## every model's speed on this machine
	$(SCANLINE) benchmark

.PHONY: bench-sampling
bench-sampling: build ## what a drawn image costs in scoring passes: five minutes
	python3 Benchmarks/sampling.py $(BENCH)

# make bench-peers BENCH="--only nade-train --rounds 3"
.PHONY: bench-peers
bench-peers: build .peers/venv/bin/torchrun ## speed beside PyTorch, in turn: two idle hours, BENCH=--continue goes on
	.peers/venv/bin/python Benchmarks/bench_peers.py $(BENCH)

# make bench-score-files DATA=... BENCH="--rounds 3"
.PHONY: bench-score-files
bench-score-files: build .peers/venv/bin/torchrun ## score over PNG files, the whole command, beside PyTorch on tensors
	.peers/venv/bin/python Benchmarks/score_files.py --data $(DATA) $(BENCH)

# make bench-outside-pass BENCH="--run RUN --images FOLDER --symbols 20", with Linux's perf
.PHONY: bench-outside-pass
bench-outside-pass: build ## which share of evaluate, score, calibrate and flag is outside the model's pass
	python3 Benchmarks/outside_pass.py $(BENCH)

# Threads, images and copies of the activations: make bench-kernels KERNELS="1 16 1"
.PHONY: bench-kernels
bench-kernels: setup ## convolutions, products and NADE one by one, as shares of the peak
	mkdir -p .peers
	clang -O2 -ISources/CKernels/include Benchmarks/kernels.c Sources/CKernels/*.c \
	  -l:libgomp.so.1 -lm -o .peers/kernels
	.peers/kernels $(KERNELS)

# make bench-growth BENCH="--only nade --rounds 1"
.PHONY: bench-growth
bench-growth: build .peers/venv/matplotlib ## speed and memory by size and threads: a quarter of an hour
	.peers/venv/bin/python Benchmarks/growth.py $(BENCH)

.peers/venv/bin/torchrun: | .peers/venv/bin/pip
	.peers/venv/bin/pip install --quiet torch==2.15.0 numpy

.peers/venv/scikit-learn: | .peers/venv/bin/pip
	.peers/venv/bin/pip install --quiet numpy pillow scikit-learn==1.9.1
	touch $@

.peers/venv/foolbox: | .peers/venv/bin/torchrun
	.peers/venv/bin/pip install --quiet foolbox==3.3.4 pillow
	touch $@

.peers/venv/matplotlib: | .peers/venv/bin/pip
	.peers/venv/bin/pip install --quiet matplotlib==3.11.2
	touch $@

.peers/venv/bin/pip:
	python3 -m venv .peers/venv

# Upkeep ------------------------------------------------------------------------------------------

.PHONY: format
format: ## lay out the sources
	swift format -i -r --configuration .swift-format Package.swift Sources Tests Fuzz

.PHONY: strokes
strokes: ## draw the bundled images anew
	swift run -c release make-strokes $(STROKES) --seed 1
	swift run -c release make-strokes $(PLATES) --what plates --seed 1

.PHONY: fuzz
fuzz: setup ## fuzz every reader of foreign bytes, ten minutes each
	for target in png jpeg gunzip idx npy amat cifar safetensors; do \
	  $(MAKE) -C Fuzz fuzz-$$target SECONDS=600 || exit 1; \
	done

.PHONY: clean
clean: ## remove what was built
	rm -rf .build
