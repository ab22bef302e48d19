"""Where RunPod's Hub and existing deployments look for the worker."""

from entrypoints.runpod_worker import main

if __name__ == "__main__":
    main()
